package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

// options is an OPTIONS request for a stream, with id as its Call-ID.
func options(id, body string) string {
	return fmt.Sprintf("OPTIONS sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK%s\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", id, id, len(body), body)
}

// badRequests are requests that the library answers by closing the connection,
// or would not answer as they deserve.
var badRequests = []struct{ name, text, answer string }{
	{"no colon", strings.Replace(options("bad", "v=0\r\n"), "From: ", "No colon\r\nFrom: ", 1), "400"},
	{"version", strings.Replace(options("bad", "hello"), "SIP/2.0\r\n", "SIP/3.0\r\n", 1), "505"},
	{"request line", strings.Replace(options("bad", "x"), "sip:b@", "sip:b@@", 1), "400"},
	{"no From", strings.Replace(options("bad", ""), "From: <sip:a@h>;tag=1\r\n", "", 1), ""},
	{"length is a word", strings.Replace(options("bad", "v=0\r\no=- 1 1\r\n\r\n"), "Length: 16", "Length: many", 1), "400"},
	{"no length", strings.Replace(options("bad", "v=0\r\no=- 1 1\r\n\r\n"), "Content-Length: 16\r\n", "", 1), "400"},
	{"body too large", options("bad", strings.Repeat("INVITE x SIP/2.0\r\n\r\n", 5000)), "513"},
	{"response", "SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", ""},
	{"nonsense", "hello\r\n\x00\x01\x02\r\n", ""},
	{"folded start", " " + options("bad", "") + "\r\n", ""},
}

// newStreamServer runs the real library over TCP; it answers OPTIONS with 200.
func newStreamServer(t *testing.T, f *Filter, wrap bool) net.Addr {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	ua, err := sipgo.NewUA(sipgo.WithUserAgentTransportLayerOptions(
		sip.WithTransportLayerReadFilter(f.Read), sip.WithTransportLayerLogger(quiet)))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := sipgo.NewServer(ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	srv.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); ua.Close() })
	addr := l.Addr()
	if wrap {
		l = f.Listener(l)
	}
	go srv.ServeTCP(l)
	return addr
}

// answers reads responses until one for the Call-ID last came, and returns
// "code Call-ID" of each.
func answers(t *testing.T, c net.Conn, last string) []string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	p := sip.NewParser().NewSIPStream()
	var got []string
	buf := make([]byte, 4096)
	for done := false; !done; {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		err = p.ParseSIPStream(buf[:n], func(m sip.Message) {
			r := m.(*sip.Response)
			got = append(got, fmt.Sprintf("%d %s", r.StatusCode, r.CallID().Value()))
			done = done || r.CallID().Value() == last
		})
		if err != nil && !errors.Is(err, sip.ErrParseSipPartial) {
			t.Fatalf("after %v: %v", got, err)
		}
	}
	return got
}

func TestFilterStreamSurvivesBadMessages(t *testing.T) {
	for _, wrap := range []bool{true, false} {
		f := NewFilter(FilterConfig{})
		addr := newStreamServer(t, f, wrap)
		for _, tt := range badRequests {
			t.Run(fmt.Sprintf("%s/wrapped=%v", tt.name, wrap), func(t *testing.T) {
				c, err := net.Dial("tcp", addr.String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				id := strings.ReplaceAll(tt.name, " ", "-") + fmt.Sprint(wrap)
				if _, err := io.WriteString(c, options("before-"+id, "body")); err != nil {
					t.Fatal(err)
				}
				got := answers(t, c, "before-"+id)
				if _, err := io.WriteString(c, tt.text+options("after-"+id, "body")); err != nil {
					t.Fatal(err)
				}
				got = append(got, answers(t, c, "after-"+id)...)
				want := []string{"200 before-" + id}
				if tt.answer != "" && wrap {
					want = append(want, tt.answer+" bad")
				}
				want = append(want, "200 after-"+id)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("answers on one connection (-want +got):\n%s", diff)
				}
			})
		}
		if c := f.Counters(); c.Passed != uint64(2*len(badRequests)) || c.Malformed < 6 || c.TooLarge != 1 || c.Garbage == 0 || c.Closed != 0 {
			t.Errorf("wrapped=%v: counters %+v", wrap, c)
		}
	}
}

// The library pongs only a ping that comes alone.
func TestFilterStreamPong(t *testing.T) {
	addr := newStreamServer(t, NewFilter(FilterConfig{}), true)
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "\r\n\r\n"+options("pong", ""))
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	pong := make([]byte, 2)
	if _, err := io.ReadFull(c, pong); err != nil || string(pong) != "\r\n" {
		t.Errorf("a ping is answered %q, %v, want CRLF", pong, err)
	}
	if got := answers(t, c, "pong"); len(got) != 1 {
		t.Errorf("after the pong: %v, want one answer", got)
	}
}

// filterPipe returns the far end of a connection under a filter, and what Read
// gave there, to be looked at when read is done.
func filterPipe(t *testing.T, f *Filter) (peer net.Conn, read func() (string, error)) {
	t.Helper()
	near, peer := net.Pipe()
	c := f.Conn(near)
	var wg sync.WaitGroup
	var got bytes.Buffer
	var err error
	wg.Go(func() {
		defer c.Close()
		_, err = io.Copy(&got, c)
	})
	t.Cleanup(func() { peer.Close(); wg.Wait() })
	return peer, func() (string, error) { wg.Wait(); return got.String(), err }
}

func TestFilterStreamIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFilter(FilterConfig{})
		peer, read := filterPipe(t, f)
		start := time.Now()
		io.WriteString(peer, options("1", ""))
		time.Sleep(time.Hour) // silence between messages is fine
		begun := time.Now()
		for _, c := range []byte(options("2", "")) {
			if _, err := peer.Write([]byte{c}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		got, _ := read()
		if got != options("1", "") {
			t.Errorf("read %q, want the first message only", got)
		}
		if after := time.Since(begun); after < filterMessageTime || after > filterMessageTime+2*time.Second {
			t.Errorf("a slow message held the connection for %v, want %v", after, filterMessageTime)
		}
		if c := f.Counters(); c.Slow != 1 || c.Connections != 0 || time.Since(start) < time.Hour {
			t.Errorf("counters %+v, want one slow and none open", c)
		}
	})
}

func TestFilterStreamGivesUpOnRubbish(t *testing.T) {
	rubbish := map[string]string{
		"a line without end":   strings.Repeat("x", 1<<20),
		"lines":                strings.Repeat("x\r\n", 1<<20),
		"a header without end": "OPTIONS sip:b SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 1<<20),
		"bad messages":         strings.Repeat("OPTIONS sip:b SIP/2.0\r\n\r\n", 1<<10),
		"an endless body":      strings.Replace(options("1", "x"), "Length: 1", "Length: 2000000000", 1),
	}
	for name, text := range rubbish {
		t.Run(name, func(t *testing.T) {
			f := NewFilter(FilterConfig{})
			peer, read := filterPipe(t, f)
			go io.Copy(io.Discard, peer)
			io.WriteString(peer, text)
			if got, err := read(); got != "" || !errors.Is(err, errFilterStream) || !errors.Is(err, io.EOF) {
				t.Errorf("read %q, %v, want nothing and %v", got, err, errFilterStream)
			}
			if c := f.Counters(); c.Closed != 1 || c.Passed != 0 {
				t.Errorf("counters %+v, want one connection closed", c)
			}
		})
	}
}

func TestFilterStreamDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, peer := net.Pipe()
		defer peer.Close()
		c := NewFilter(FilterConfig{}).Conn(near)
		defer c.Close()
		buf := make([]byte, 100)
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read after the deadline = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		c.SetDeadline(time.Time{})
		go io.WriteString(peer, "\r\n")
		if n, err := c.Read(buf); n != 2 || err != nil {
			t.Errorf("Read without a deadline = %d, %v, want the two bytes", n, err)
		}
	})
}

// pipeListener accepts what is sent to it.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.conns) }); return nil }
func (l *pipeListener) Addr() net.Addr { return filterLocal }

func TestFilterListenerLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFilter(FilterConfig{})
		inner := &pipeListener{conns: make(chan net.Conn)}
		l := f.Listener(inner)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { // as the library does: read to the end, then close
					io.Copy(io.Discard, c)
					c.Close()
					c.Close()
				})
			}
		})
		var peers []net.Conn
		dial := func(count int) {
			for range count {
				near, peer := net.Pipe()
				inner.conns <- near
				peers = append(peers, peer)
			}
			synctest.Wait()
		}
		dial(filterMaxHostConns)
		io.WriteString(peers[0], "\r\n\r\n")
		synctest.Wait()
		dial(5)
		if c := f.Counters(); c.Refused != 5 || c.Connections != filterMaxHostConns {
			t.Errorf("counters %+v, want 5 refused and %d open", c, filterMaxHostConns)
		}
		for i := range peers { // those that were silent for longest had to go
			_, err := io.WriteString(peers[i], "\x00")
			if gone := i > 0 && i <= 5; (err != nil) != gone {
				t.Errorf("writing to connection %d: %v, want an error: %v", i, err, gone)
			}
		}
		time.Sleep(filterFirstTime + time.Second)
		synctest.Wait()
		if c := f.Counters(); c.Connections != 1 || c.Slow != filterMaxHostConns-1 || len(f.hosts) != 1 {
			t.Errorf("counters %+v after a minute of silence, want only the one open that sent something", c)
		}
		for _, p := range peers {
			p.Close()
		}
		l.Close()
		wg.Wait()
		if len(f.hosts) != 0 || len(f.wrapped) != 0 || len(f.open) != 0 {
			t.Errorf("%d hosts and %d connections are remembered after all are closed", len(f.hosts), len(f.wrapped))
		}
	})
}

// When all have spoken, those make room that have been idle for long, but for busy
// ones; and if there are none the new connection has to go.
func TestFilterListenerMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy net.Conn
		f := NewFilter(FilterConfig{Busy: func(c net.Conn) bool { return c == busy }})
		inner := &pipeListener{conns: make(chan net.Conn)}
		l := f.Listener(inner)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					io.Copy(io.Discard, c)
					c.Close()
				})
			}
		})
		dial := func() net.Conn {
			near, peer := net.Pipe()
			if busy == nil {
				busy = near
			}
			inner.conns <- near
			synctest.Wait()
			return peer
		}
		var peers []net.Conn
		for range filterMaxHostConns {
			p := dial()
			io.WriteString(p, "\r\n\r\n")
			time.Sleep(time.Millisecond)
			peers = append(peers, p)
		}
		open := func(p net.Conn) bool {
			_, err := io.WriteString(p, "\x00")
			synctest.Wait()
			return err == nil
		}
		if open(dial()) {
			t.Error("one more connection was accepted though all others are in use")
		}
		time.Sleep(filterIdleTime)
		last := dial()
		if !open(last) || !open(peers[0]) || open(peers[1]) || !open(peers[2]) {
			t.Errorf("open are: the new one %v, the busy one %v, the two idle longest %v and %v", open(last), open(peers[0]), open(peers[1]), open(peers[2]))
		}
		for _, p := range append(peers, last) {
			p.Close()
		}
		l.Close()
		wg.Wait()
	})
}

func TestFilterLooseStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFilter(FilterConfig{})
		text := options("1", "body")
		read := func(port int, data string) (string, error) {
			out, err := f.Read(sip.TransportReadProps{Transport: "TCP", LocalAddr: filterLocal, RemoteAddr: &net.TCPAddr{Port: port}}, []byte(data))
			return string(out), err
		}
		for port := range filterMaxLoose + 10 {
			_, err := read(port+1, text[:40])
			if full := port >= filterMaxLoose; (err != nil) != full {
				t.Fatalf("half a message on connection %d: %v", port+1, err)
			}
		}
		if got, err := read(1, text[40:]); got != text || err != nil || len(f.loose) != filterMaxLoose-1 {
			t.Errorf("the other half gives %q, %v, %d are remembered", got, err, len(f.loose))
		}
		time.Sleep(filterMessageTime + time.Second)
		if got, err := read(2, text); got != text || err != nil {
			t.Errorf("a new connection from the same port gives %q, %v, want its message", got, err)
		}
		if got, err := read(5000, text[:40]); got != "" || err != nil {
			t.Errorf("half a message when old ones have expired = %q, %v", got, err)
		}
	})
}

// The library's UDP listener lives on whatever comes.
func TestFilterKeepsUDPListenerAlive(t *testing.T) {
	var mu sync.Mutex
	var pc net.PacketConn
	f := NewFilter(FilterConfig{Reply: func(_, remote net.Addr, response []byte) {
		mu.Lock()
		defer mu.Unlock()
		pc.WriteTo(response, remote)
	}})
	quiet := slog.New(slog.DiscardHandler)
	ua, err := sipgo.NewUA(sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerReadFilter(f.Read), sip.WithTransportLayerLogger(quiet)))
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	srv, err := sipgo.NewServer(ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	srv.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	})
	mu.Lock()
	pc, err = net.ListenPacket("udp", "127.0.0.1:0")
	mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { srv.ServeUDP(pc); close(served) }()
	defer func() { pc.Close(); <-served }()

	var d net.Dialer
	c, err := d.DialContext(context.Background(), "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range filterRows(t) {
		if expect, message := filterRow(t, name); expect == "drop" {
			c.Write(message)
		}
	}
	for _, data := range []string{"", "\x00", "\r\n\r\n", "hello", strings.Repeat("x", 60000)} {
		io.WriteString(c, data)
	}
	_, bad := filterRow(t, "testdata/filter/badvers.msg")
	c.Write(bad)
	io.WriteString(c, strings.Replace(options("good", "hi"), "SIP/2.0/TCP 192.0.2.1;", "SIP / 2.0 / UDP 127.0.0.1 ; rport ; ", 1))
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, want := range []string{"SIP/2.0 505 ", "SIP/2.0 200 OK"} {
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), want) {
			t.Fatalf("answer %q, %v, want %s", buf[:n], err, want)
		}
	}
}
