//go:build unix

package device

import (
	"os"
	"syscall"
	"testing"
)

const (
	stop   = syscall.SIGSTOP
	resume = syscall.SIGCONT
)

// signal sends the server a signal.
func (p *pulse) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
