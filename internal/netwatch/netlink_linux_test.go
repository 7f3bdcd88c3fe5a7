package netwatch

import (
	"context"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// In a network namespace of its own a thread may do with addresses what it likes.
func TestKernelTellsOfAddresses(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the program ip")
	}
	forbidden := make(chan error, 1)
	go func() {
		defer close(forbidden)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			forbidden <- err
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		hints := make(chan struct{}, 100)
		if err := listen(ctx, func() { hints <- struct{}{} }); err != nil {
			t.Errorf("listen: %v", err)
			return
		}
		for _, args := range [][]string{
			{"link", "set", "lo", "up"},
			{"address", "add", "192.0.2.1/32", "dev", "lo"},
			{"address", "del", "192.0.2.1/32", "dev", "lo"},
		} {
			for len(hints) > 0 {
				<-hints
			}
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Errorf("ip %v: %v\n%s", args, err, out)
				return
			}
			select {
			case <-hints:
			case <-time.After(5 * time.Second):
				t.Errorf("no hint of ip %v", args)
			}
		}
	}()
	if err := <-forbidden; err != nil {
		t.Skipf("needs the right to make a network namespace: %v", err)
	}
}
