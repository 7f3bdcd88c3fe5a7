package sip_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"parley/internal/leaktest"
	"parley/sip"
)

// Who asks and goes away at once could else have us connect to whom it likes.
func TestAnswersOpenNoConnections(t *testing.T) {
	leaktest.Check(t)
	e := listenReal(t, sip.Config{})
	third := must(net.Listen("tcp", "127.0.0.1:0"))
	defer third.Close()
	var came atomic.Int32
	go func() {
		for {
			c, err := third.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			c.Close()
		}
	}()
	for i := range 300 {
		c := must(net.Dial("tcp", addrOf(e, "tcp").String()))
		text := strings.ReplaceAll(request("OPTIONS", fmt.Sprint(i), 1, "", ""), "UDP 10.0.0.2:5060;rport", "TCP "+third.Addr().String())
		_, err := c.Write([]byte(strings.ReplaceAll(text+"\n", "\n", "\r\n")))
		ok(t, err)
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	ok(t, e.Close(t.Context()))
	if n := came.Load(); n > 0 {
		t.Errorf("%d connections were opened to where a Via pointed", n)
	}
}
