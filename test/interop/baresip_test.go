package interop

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// baresipConfig is what testdata/baresip.config and the account are made of.
type baresipConfig struct {
	User         string
	Transport    string   // "udp" (the default), "tcp" or "tls"
	Codecs       string   // as baresip writes them, such as opus/48000/2,pcma
	Encryption   string   // "", "srtp" or "srtp-mand"
	Manual       bool     // calls are answered by command, not at once
	DTMF         string   // "" or "info"
	Unregistered bool     // stays unknown to the server
	Host         *machine // where it runs, without a server; nil: beside the server

	IP                       string
	Port, ControlPort        int
	MediaPort, LastMediaPort int
	Certificate, Authority   string
	Said, Heard, Modules     string
}

// A baresip is a phone of another make. It says its signal in every call and
// records what it hears.
type baresip struct {
	*process
	config baresipConfig
	said   signal
	ctl    *control
}

// startBaresip starts a phone and waits until it is registered.
func startBaresip(t testing.TB, k *kamailio, c baresipConfig) *baresip {
	t.Helper()
	need(t, "baresip")
	dir := t.TempDir()
	b := &baresip{said: signalOf(t, c.User)}
	if c.Transport == "" {
		c.Transport = "udp"
	}
	var under []string
	if c.Host != nil {
		c.IP, c.Unregistered, under = c.Host.ip, true, c.Host.under()
	}
	c.IP, c.Said, c.Heard, c.Modules = cmp.Or(c.IP, loopback), b.said.file, dir, baresipModules(t)
	c.Port, c.ControlPort = freePorts(t, 2), freePorts(t, 1) // TLS listens one above
	c.MediaPort = freePorts(t, 40)
	c.LastMediaPort = c.MediaPort + 39
	if c.Transport == "tls" {
		ca, err := testAuthority()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ca.issue(dir, c.User+".test", time.Now().AddDate(0, 6, 0))
		if err != nil {
			t.Fatal(err)
		}
		c.Certificate, c.Authority = cert.both, ca.file
	}
	if err := fillIn("baresip.config", dir, c); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"accounts": c.account(k), "contacts": "\"nobody\" <sip:nobody@" + testDomain + ">\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, "baresip.config"), filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	line := append(under, "baresip", "-4", "-f", dir)
	p, err := start("baresip-"+c.User, dir, line[0], line[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	b.process, b.config = p, c
	p.stopWith(t)
	b.ctl = dialControl(t, c.Host, c.IP, c.ControlPort)
	if !c.Unregistered {
		eventually(t, 10*time.Second, c.User+" registered", func() bool { return len(k.contacts(c.User)) > 0 })
	}
	return b
}

// account is the line of the file accounts.
func (c baresipConfig) account(k *kamailio) string {
	line := fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%spw;ptime=20;mwi=no;pubint=0",
		c.User, testDomain, c.Transport, c.User, c.User)
	add := func(set bool, text string) {
		if set {
			line += ";" + text
		}
	}
	if k != nil {
		add(true, `outbound="`+k.proxy(c.Transport)+`"`)
	}
	add(c.Manual, "answermode=manual")
	add(!c.Manual, "answermode=auto")
	add(c.Unregistered, "regint=0")
	add(!c.Unregistered, "regint=300")
	add(c.Codecs != "", "audio_codecs="+c.Codecs)
	add(c.Encryption != "", "mediaenc="+c.Encryption)
	add(c.DTMF != "", "dtmfmode="+c.DTMF)
	return line + "\n"
}

func baresipModules(t testing.TB) string {
	t.Helper()
	return needFile(t, "baresip's modules", "/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/lib64/baresip/modules",
		"/usr/local/lib/baresip/modules", "/opt/homebrew/lib/baresip/modules")
}

// heard returns the recording of the last call. It is whole once the call has
// ended.
func (b *baresip) heard(t testing.TB) recording {
	t.Helper()
	var found []string
	eventually(t, 3*time.Second, b.config.User+" has a recording", func() bool {
		found, _ = filepath.Glob(filepath.Join(b.config.Heard, "*-dec.wav"))
		return len(found) > 0
	})
	return load(t, found[len(found)-1])
}

// address is how others call the phone.
func (b *baresip) address() string { return "sip:" + b.config.User + "@" + testDomain }

// direct is its address without the server.
func (b *baresip) direct() string {
	return fmt.Sprintf("sip:%s@%s:%d", b.config.User, b.config.IP, b.config.Port)
}

// A control drives a baresip: JSON in netstrings over TCP (module ctrl_tcp).
type control struct {
	conn net.Conn

	mu      sync.Mutex
	events  []controlMessage
	replies map[string]controlMessage
	tokens  int
}

// A controlMessage is an event or the answer to a command.
type controlMessage struct {
	Event bool   `json:"event"`
	Type  string `json:"type"`
	Param string `json:"param"`
	Peer  string `json:"peeruri"`
	Token string `json:"token"`
	OK    bool   `json:"ok"`
	Data  string `json:"data"`
}

// dialControl connects to a baresip at an address of this machine, or of one of
// a lan.
func dialControl(t testing.TB, on *machine, ip string, port int) *control {
	t.Helper()
	c := &control{replies: map[string]controlMessage{}}
	addr := net.JoinHostPort(ip, strconv.Itoa(port))
	eventually(t, 5*time.Second, "control of baresip at "+addr, func() bool {
		var err error
		on.inside(t, func() error {
			c.conn, err = net.Dial("tcp", addr)
			return nil
		})
		return err == nil
	})
	t.Cleanup(func() { c.conn.Close() })
	go c.read()
	return c
}

func (c *control) read() {
	r := bufio.NewReader(c.conn)
	for {
		size, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil || n < 0 || n > 1<<20 {
			return
		}
		body := make([]byte, n+1) // and the comma
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m controlMessage
		if err := json.Unmarshal(printable(body[:n]), &m); err != nil {
			m = controlMessage{Event: true, Type: "UNREADABLE", Param: string(body[:n])}
		}
		c.mu.Lock()
		if m.Event {
			c.events = append(c.events, m)
		} else {
			c.replies[m.Token] = m
		}
		c.mu.Unlock()
	}
}

// printable replaces the colors and line ends that baresip leaves in its JSON.
func printable(b []byte) []byte {
	for i, c := range b {
		if c < ' ' {
			b[i] = ' '
		}
	}
	return b
}

// do gives baresip one of its long commands and returns the answer.
func (c *control) do(t testing.TB, command string, params string) string {
	t.Helper()
	c.mu.Lock()
	c.tokens++
	token := strconv.Itoa(c.tokens)
	c.mu.Unlock()
	body, err := json.Marshal(map[string]string{"command": command, "params": params, "token": token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.conn, "%d:%s,", len(body), body); err != nil {
		t.Fatalf("baresip %s: %v", command, err)
	}
	var reply controlMessage
	eventually(t, 5*time.Second, "baresip answers to "+command, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		r, ok := c.replies[token]
		reply = r
		return ok
	})
	return reply.Data
}

// take removes and returns the first event of a type.
func (c *control) take(kind string) (controlMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.events {
		if e.Type == kind {
			c.events = slices.Delete(c.events, i, i+1)
			return e, true
		}
	}
	return controlMessage{}, false
}

// all returns the parameters of all events of a type that were not awaited.
func (c *control) all(kind string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for _, e := range c.events {
		if e.Type == kind {
			found = append(found, e.Param)
		}
	}
	return found
}

// await waits for the next event of a type.
func (c *control) await(t testing.TB, kind string) controlMessage {
	t.Helper()
	var e controlMessage
	eventually(t, 10*time.Second, "baresip's event "+kind, func() bool {
		var ok bool
		e, ok = c.take(kind)
		return ok
	})
	return e
}
