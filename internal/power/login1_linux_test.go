package power

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// privateBus starts a message bus of its own, which counts as the system's until the
// test ends, and returns a connection to it as login1.
func privateBus(t *testing.T) *dbus.Conn {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("needs dbus-daemon")
	}
	cmd := exec.Command(daemon, "--session", "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("address of the bus: %v", err)
	}
	address := strings.TrimSpace(line)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if reply, err := conn.RequestName(login1Name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("RequestName = %v, %v", reply, err)
	}
	return conn
}

func TestSleepIsTold(t *testing.T) {
	conn := privateBus(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := Watch(ctx, slog.New(slog.DiscardHandler))
	say := func(name string, v any) {
		if err := conn.Emit(login1Path, login1Face+"."+name, v); err != nil {
			t.Fatal(err)
		}
	}
	// Until the match rule is there, signals are not heard.
	var got Event
	for told := false; !told; {
		say("PrepareForSleep", true)
		select {
		case got = <-events:
			told = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	if got != WillSleep {
		t.Errorf("PrepareForSleep(true) = %v, want WillSleep", got)
	}
	say("PrepareForShutdown", false)
	say("PrepareForSleep", "nonsense")
	say("PrepareForSleep", false)
	late := time.After(5 * time.Second)
	for got != Awake {
		select {
		case got = <-events:
		case <-late:
			t.Fatal("PrepareForSleep(false) was not told")
		}
	}
}
