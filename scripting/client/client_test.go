package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// A server that says what a test wants.
type server struct {
	net.Conn
	in *bufio.Reader
}

func pair(t *testing.T, f func(t *testing.T, c *Client, s server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := newClient(ours)
		f(t, c, server{theirs, bufio.NewReader(theirs)})
		theirs.Close()
		c.Close()
		c.Close()
		if _, ok := <-c.Notifications(); ok {
			t.Error("a notification came after Close")
		}
	})
}

func (s server) wantLine(t *testing.T, want string) {
	t.Helper()
	if got, err := s.in.ReadString('\n'); got != want+"\n" {
		t.Errorf("the server got %q, %v, want %q", got, err, want)
	}
}

func TestRepliesFindTheirCommands(t *testing.T) {
	pair(t, func(t *testing.T, c *Client, s server) {
		got := make(chan string, 2)
		do := func(command string) {
			reply, err := c.Do(t.Context(), command)
			got <- fmt.Sprint(command, ": ", reply, " ", err)
		}
		go do("A")
		s.wantLine(t, "#1 A")
		go do("B")
		s.wantLine(t, "#2 B")
		fmt.Fprint(s, "MUTE ON\n#9 nobody asked\n#2 for B\r\n#1 ERROR 68 Access denied\n")
		want := map[string]bool{"B: for B <nil>": true, "A:  ERROR 68 Access denied": true}
		for range 2 {
			if line := <-got; !want[line] {
				t.Errorf("got %q, want one of %v", line, want)
			}
		}
		if line := <-c.Notifications(); line != "MUTE ON" {
			t.Errorf("notification %q, want MUTE ON", line)
		}
	})
}

func TestDoEndsWithItsContext(t *testing.T) {
	pair(t, func(t *testing.T, c *Client, s server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go s.in.ReadString('\n')
		if _, err := c.Do(ctx, "NAME x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do without an answer: %v", err)
		}
		// A server that does not even read.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Do(ctx, "PING"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrClosed) {
			t.Errorf("Do that cannot be sent: %v", err)
		}
	})
}

func TestNotificationsAreBounded(t *testing.T) {
	pair(t, func(t *testing.T, c *Client, s server) {
		var err error
		lines := 0
		for err == nil && lines < 2*maxBacklog {
			_, err = io.WriteString(s, "CALL 1 DURATION "+strconv.Itoa(lines)+"\n")
			lines++
		}
		if err == nil || c.Err() == nil {
			t.Fatalf("%d notifications that nobody takes: %v, %v, want errors", lines, err, c.Err())
		}
		n := 0
		for line := range c.Notifications() {
			if want := "CALL 1 DURATION " + strconv.Itoa(n); line != want {
				t.Fatalf("notification %q, want %q", line, want)
			}
			n++
		}
		if n < maxBacklog {
			t.Errorf("%d notifications came, want at least %d", n, maxBacklog)
		}
	})
}
