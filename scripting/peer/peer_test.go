package peer

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOf(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("this system does not tell")
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := Process{UID: os.Getuid(), PID: os.Getpid(), Executable: exe}
	for name, c := range map[string]net.Conn{"the server": server, "the client": client} {
		got, err := Of(c.(*net.UnixConn))
		if err != nil || got != want {
			t.Errorf("Of at %s = %+v, %v, want %+v", name, got, err, want)
		}
	}
}
