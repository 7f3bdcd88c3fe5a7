package interop

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

// testDomain is what the registrar serves. No name server knows it: phones reach
// it through their outbound proxy.
const testDomain = "lab.test"

// A kamailio is a registrar and proxy for testDomain.
type kamailio struct {
	*process
	config kamailioConfig
	dir    string
}

// kamailioConfig is what testdata/kamailio.cfg and tls.cfg are filled in with.
type kamailioConfig struct {
	Dir, Domain, IP  string
	Port, TLSPort    int
	Algorithm        string // of digests: "MD5" or "SHA-256"
	Certificate, Key string
	Outbound         int // flow timer in seconds; 0 is no registrar of RFC 5626
}

// startKamailio starts one with a certificate of its own for the domain. The
// folder must be of few characters: a socket's path is short.
func startKamailio(dir string, c kamailioConfig) (*kamailio, error) {
	if c.Port == 0 {
		first, err := takePorts(2)
		if err != nil {
			return nil, err
		}
		c.Port, c.TLSPort = first, first+1
	}
	if c.Domain == "" {
		c.Domain = testDomain
	}
	if c.Certificate == "" {
		ca, err := testAuthority()
		if err != nil {
			return nil, err
		}
		cert, err := ca.issue(dir, c.Domain, time.Now().AddDate(0, 6, 0), net.ParseIP(cmp.Or(c.IP, loopback)))
		if err != nil {
			return nil, err
		}
		c.Certificate, c.Key = cert.cert, cert.key
	}
	c.Dir, c.IP = dir, cmp.Or(c.IP, loopback)
	if c.Algorithm == "" {
		c.Algorithm = "MD5"
	}
	for _, name := range []string{"kamailio.cfg", "tls.cfg"} {
		if err := fillIn(name, dir, c); err != nil {
			return nil, err
		}
	}
	k := &kamailio{config: c, dir: dir}
	return k, k.start()
}

// start runs the server, again if it was stopped.
func (k *kamailio) start() error {
	p, err := start("kamailio", k.dir, "kamailio", "-DD", "-E", "-f", filepath.Join(k.dir, "kamailio.cfg"),
		"-Y", k.dir, "-m", "64", "-M", "8")
	if err != nil {
		return err
	}
	k.process = p
	up := poll(20*time.Second, func() bool {
		if !p.running() {
			return true
		}
		_, err := k.rpc("core.uptime")
		return err == nil
	})
	if !up || !p.running() {
		p.stop()
		return errors.New("kamailio did not come up: " + tail(p.output(), 10))
	}
	return nil
}

// fillIn writes testdata/NAME, filled in, to dir.
func fillIn(name, dir string, data any) error {
	tmpl, err := template.ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(tmpl.Execute(f, data), f.Close())
}

// rpc gives the server a command and returns its answer.
func (k *kamailio) rpc(args ...string) (string, error) {
	path, err := lookPath("kamcmd")
	if err != nil {
		return "", err
	}
	return output(5*time.Second, path, append([]string{"-s", "unix:" + filepath.Join(k.dir, "ctl")}, args...)...)
}

// contacts lists the contact addresses that are registered for a user.
func (k *kamailio) contacts(user string) []string {
	text, err := k.rpc("ul.lookup", "location", user+"@"+k.config.Domain)
	if err != nil {
		return nil
	}
	var found []string
	for line := range strings.Lines(text) {
		if a, ok := strings.CutPrefix(strings.TrimSpace(line), "Address: "); ok {
			found = append(found, a)
		}
	}
	return found
}

// proxy is the server's address for a transport, as phones are configured.
func (k *kamailio) proxy(transport string) string {
	port := k.config.Port
	if transport == "tls" {
		port = k.config.TLSPort
	}
	return fmt.Sprintf("sip:%s:%d;transport=%s", k.config.IP, port, transport)
}

// The server that most tests share. Their users have different names.
var shared = struct {
	once sync.Once
	*kamailio
	err error
}{}

// registrar returns the shared server.
func registrar(t testing.TB) *kamailio {
	t.Helper()
	needKamailio(t)
	shared.once.Do(func() {
		dir := filepath.Join(root, "kam")
		if shared.err = os.Mkdir(dir, 0o700); shared.err == nil {
			shared.kamailio, shared.err = startKamailio(dir, kamailioConfig{})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kamailio, last lines:\n%s", tail(shared.output(), 20))
		}
	})
	return shared.kamailio
}

func stopShared() {
	if shared.kamailio != nil && shared.process != nil {
		shared.stop()
	}
}

func needKamailio(t testing.TB) {
	t.Helper()
	need(t, "kamailio", "kamcmd")
	needFile(t, "kamailio's TLS module", "/usr/lib/*/kamailio/modules/tls.so", "/usr/lib64/kamailio/modules/tls.so",
		"/usr/lib/kamailio/modules/tls.so", "/usr/local/lib*/kamailio/modules/tls.so")
}

// ownRegistrar starts a server for one test alone.
func ownRegistrar(t testing.TB, c kamailioConfig) *kamailio {
	t.Helper()
	needKamailio(t)
	k, err := startKamailio(shortDir(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.stop() })
	return k
}

// shortDir is t.TempDir with a path that is short enough for sockets in it.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
