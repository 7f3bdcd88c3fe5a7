package interop

import (
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
)

// loopback is where every peer lives.
const loopback = "127.0.0.1"

// ports hands out port numbers below those that the system gives to sockets
// without a wish, so that nobody takes one between the look and its use. Test
// runs at the same time begin at different places.
var ports = struct {
	sync.Mutex
	next int
}{next: 10000 + os.Getpid()%64*256}

// freePorts returns the first of n consecutive ports that are free for UDP and
// TCP. It is even.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	p, err := takePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func takePorts(n int) (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for ports.next < 32000 {
		first := ports.next
		ports.next += n + n%2
		if allFree(first, n) {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row", n)
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		addr := fmt.Sprintf("%s:%d", loopback, port)
		u, err := net.ListenPacket("udp", addr)
		if err != nil {
			return false
		}
		u.Close()
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
