package interop

import (
	"encoding/binary"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The requests that a window takes.
const (
	xCreateWindow = 1
	xMapWindow    = 8
)

// A notepad is the window of another program that a person types in.
type notepad struct {
	*xserver

	id   uint32
	keys atomic.Int64 // presses so far
}

// openNotepad shows one and waits until it has the keyboard.
func openNotepad(t *testing.T, d *desk) *notepad {
	t.Helper()
	display, err := strconv.Atoi(strings.TrimPrefix(os.Getenv("DISPLAY"), ":"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := dialX(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.conn.Close() })
	n := &notepad{xserver: x, id: x.base | 1}
	const (
		place      = 40<<16 | 700
		size       = 200<<16 | 300
		values     = 1<<1 | 1<<11 // background, events
		background = 0xffffe0
		keyPresses = 1
	)
	if err := x.send(xCreateWindow, 0, []uint32{n.id, x.root, place, size, 0, 0, values, background, keyPresses}); err != nil {
		t.Fatal(err)
	}
	if err := x.send(xMapWindow, 0, []uint32{n.id}); err != nil {
		t.Fatal(err)
	}
	go n.read()
	eventually(t, 5*time.Second, "another program has the keyboard", func() bool { return d.active(t) == n.id })
	return n
}

func (n *notepad) read() {
	const keyPress = 2
	event := make([]byte, 32)
	for {
		if _, err := io.ReadFull(n.r, event); err != nil {
			return
		}
		switch event[0] &^ 0x80 {
		case 0:
			return // an error
		case 1:
			if _, err := n.r.Discard(4 * int(binary.LittleEndian.Uint32(event[4:]))); err != nil {
				return
			}
		case keyPress:
			n.keys.Add(1)
		}
	}
}

// mustGet fails the test unless keys pressed now arrive here.
func (n *notepad) mustGet(t *testing.T, d *desk, keys ...string) {
	t.Helper()
	before := n.keys.Load()
	d.keys(t, keys...)
	if !poll(time.Second, func() bool { return n.keys.Load() == before+int64(len(keys)) }) {
		t.Errorf("the other program got %d of %d keys", n.keys.Load()-before, len(keys))
	}
}
