package interop

import (
	"fmt"
	"os/user"
	"strings"
	"testing"
	"time"
)

// startNames starts a name server with the given records, as dnsmasq's flags. It
// knows no other names.
func startNames(t testing.TB, records ...string) string {
	t.Helper()
	need(t, "dnsmasq")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port := freePorts(t, 1)
	args := append([]string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-daemon", "--pid-file=",
		"--user=" + me.Username, "--listen-address=" + loopback, "--bind-interfaces", fmt.Sprintf("--port=%d", port),
		"--local=/test/", "--log-queries",
	}, records...)
	p, err := start("dnsmasq", t.TempDir(), "dnsmasq", args...)
	if err != nil {
		t.Fatal(err)
	}
	p.stopWith(t)
	eventually(t, 5*time.Second, "dnsmasq listens", func() bool { return strings.Contains(p.output(), "started") || !p.running() })
	return address(port)
}

// host and service are records for startNames.
func host(name string) string { return "--host-record=" + name + "," + loopback }

func service(name, target string, port, priority int) string {
	return fmt.Sprintf("--srv-host=%s,%s,%d,%d,10", name, target, port, priority)
}

func naptr(order int, services, replacement string) string {
	return fmt.Sprintf("--naptr-record=%s,%d,10,s,%s,,%s", testDomain, order, services, replacement)
}

// TestRoutes finds the server by the domain's records (RFC 3263).
func TestRoutes(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	real, dead := k.config.Port, freePorts(t, 1)
	tests := []struct {
		name    string
		records []string
		want    string // the transport
	}{
		{"service", []string{service("_sip._udp."+testDomain, "one.test", real, 10), host("one.test")}, "udp"},
		{"the first is dead", []string{
			naptr(10, "SIP+D2T", "_sip._tcp."+testDomain),
			service("_sip._tcp."+testDomain, "one.test", dead, 10), service("_sip._tcp."+testDomain, "two.test", real, 20),
			host("one.test"), host("two.test"),
		}, "tcp"},
		{"preferred transport", []string{
			naptr(20, "SIP+D2U", "_sip._udp."+testDomain), naptr(10, "SIP+D2T", "_sip._tcp."+testDomain),
			service("_sip._tcp."+testDomain, "one.test", real, 10), service("_sip._udp."+testDomain, "one.test", real, 10),
			host("one.test"),
		}, "tcp"},
		{"over TLS", []string{
			naptr(10, "SIPS+D2T", "_sips._tcp."+testDomain), naptr(20, "SIP+D2U", "_sip._udp."+testDomain),
			service("_sips._tcp."+testDomain, "one.test", k.config.TLSPort, 10), service("_sip._udp."+testDomain, "one.test", real, 10),
			host("one.test"),
		}, "tls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dns := startNames(t, tt.records...)
			a := startPhone(t, k, phoneConfig{
				User: "finder-" + strings.ReplaceAll(tt.name, " ", "-"), Transport: "auto", NoProxy: true, Args: []string{"--dns", dns},
			})
			if got := a.get(t, "ACCOUNT "+a.address()+" ROUTE"); !strings.HasPrefix(got, tt.want+" ") {
				t.Errorf("ROUTE = %q, want %s", got, tt.want)
			}
			id := a.dial(t, "sip:busy@"+testDomain)
			a.is(t, id, "BUSY")
		})
	}
}

// TestServiceCertificate finds a TLS server under another name by SRV: what its
// certificate must name is the domain, not the host (RFC 5922).
func TestServiceCertificate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, failure string }{{testDomain, "NONE"}, {"other.test", "BAD_CERTIFICATE"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca, err := testAuthority()
			if err != nil {
				t.Fatal(err)
			}
			cert, err := ca.issue(shortDir(t), tt.name, time.Now().AddDate(0, 6, 0))
			if err != nil {
				t.Fatal(err)
			}
			k := ownRegistrar(t, kamailioConfig{Certificate: cert.cert, Key: cert.key})
			dns := startNames(t, service("_sips._tcp."+testDomain, "other.test", k.config.TLSPort, 10), host("other.test"))
			a := newPhone(t, k, phoneConfig{User: "srv", Transport: "tls", NoProxy: true, Args: []string{"--dns", dns}})
			a.run(t)
			account := "ACCOUNT " + a.address()
			if tt.failure == "NONE" {
				a.awaitRegistered(t)
				return
			}
			eventually(t, 15*time.Second, "the registration fails", func() bool { return a.get(t, account+" REGSTATUS") == "FAILED" })
			if got := a.get(t, account+" FAILURE"); got != tt.failure {
				t.Errorf("FAILURE = %s, want %s", got, tt.failure)
			}
			if len(k.contacts("srv")) != 0 {
				t.Error("registered at a server that is not to be trusted")
			}
		})
	}
}
