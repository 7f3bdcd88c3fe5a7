package interop

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// An xserver is a connection to an X server that looks at windows: the few
// requests of the X11 protocol that this takes, little endian. It is used by one
// goroutine.
type xserver struct {
	conn net.Conn
	r    *bufio.Reader
	root uint32
	base uint32 // where the numbers of what we make begin
}

// The requests, by their numbers in the protocol.
const (
	xChangeWindowAttributes = 2
	xGetWindowAttributes    = 3
	xGetGeometry            = 14
	xInternAtom             = 16
	xGetProperty            = 20
	xClearArea              = 61
	xGetImage               = 73
)

// dialX connects to a display without access control.
func dialX(display int) (*xserver, error) {
	conn, err := net.Dial("unix", "/tmp/.X11-unix/X"+strconv.Itoa(display))
	if err != nil {
		return nil, err
	}
	x := &xserver{conn: conn, r: bufio.NewReaderSize(conn, 1<<16)}
	if err := x.setup(); err != nil {
		conn.Close()
		return nil, err
	}
	return x, nil
}

func (x *xserver) setup() error {
	if _, err := x.conn.Write([]byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return err
	}
	head := make([]byte, 8)
	if _, err := io.ReadFull(x.r, head); err != nil {
		return err
	}
	body := make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:])))
	if _, err := io.ReadFull(x.r, body); err != nil {
		return err
	}
	if head[0] != 1 || len(body) < 32 {
		return errors.New("x11: the server refuses")
	}
	vendor, formats := int(binary.LittleEndian.Uint16(body[16:])), int(body[21])
	screen := 32 + (vendor+3)/4*4 + 8*formats
	if len(body) < screen+4 {
		return errors.New("x11: the server has no screen")
	}
	x.root, x.base = binary.LittleEndian.Uint32(body[screen:]), binary.LittleEndian.Uint32(body[4:])
	return nil
}

// send sends a request of 32-bit words, and raw bytes after them.
func (x *xserver) send(op, detail byte, words []uint32, raw ...byte) error {
	for len(raw)%4 != 0 {
		raw = append(raw, 0)
	}
	b := []byte{op, detail, 0, 0}
	binary.LittleEndian.PutUint16(b[2:], uint16(1+len(words)+len(raw)/4))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	_, err := x.conn.Write(append(b, raw...))
	return err
}

// ask sends a request and returns the reply to it, which is at least 32 bytes.
func (x *xserver) ask(op, detail byte, words []uint32, raw ...byte) ([]byte, error) {
	if err := x.send(op, detail, words, raw...); err != nil {
		return nil, err
	}
	for {
		reply := make([]byte, 32)
		if _, err := io.ReadFull(x.r, reply); err != nil {
			return nil, err
		}
		switch reply[0] {
		case 0:
			return nil, fmt.Errorf("x11: error %d to request %d", reply[1], op)
		case 1:
			more := make([]byte, 4*int(binary.LittleEndian.Uint32(reply[4:])))
			_, err := io.ReadFull(x.r, more)
			return append(reply, more...), err
		}
	}
}

func (x *xserver) atom(name string) (uint32, error) {
	reply, err := x.ask(xInternAtom, 0, []uint32{uint32(len(name))}, []byte(name)...)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(reply[8:]), nil
}

// property returns the numbers of a property of a window, none if there is none.
func (x *xserver) property(window uint32, name string) ([]uint32, error) {
	atom, err := x.atom(name)
	if err != nil {
		return nil, err
	}
	reply, err := x.ask(xGetProperty, 0, []uint32{window, atom, 0, 0, 1024})
	if err != nil || reply[1] != 32 {
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(reply[16:]))
	var all []uint32
	for i := range n {
		all = append(all, binary.LittleEndian.Uint32(reply[32+4*i:]))
	}
	return all, nil
}

// windowOf finds the managed window of a process, 0 if it has none that can be
// seen.
func (x *xserver) windowOf(pid int) (uint32, error) {
	list, err := x.property(x.root, "_NET_CLIENT_LIST")
	if err != nil {
		return 0, err
	}
	for _, w := range list {
		owner, err := x.property(w, "_NET_WM_PID")
		if err != nil || len(owner) == 0 || int(owner[0]) != pid {
			continue // it may be gone by now
		}
		attributes, err := x.ask(xGetWindowAttributes, 0, []uint32{w})
		if err == nil && attributes[26] == 2 { // viewable
			return w, nil
		}
	}
	return 0, nil
}

// size returns width and height of a window.
func (x *xserver) size(window uint32) (width, height int, err error) {
	reply, err := x.ask(xGetGeometry, 0, []uint32{window})
	if err != nil {
		return 0, 0, err
	}
	return int(binary.LittleEndian.Uint16(reply[16:])), int(binary.LittleEndian.Uint16(reply[18:])), nil
}

// pixels returns the colors of a window.
func (x *xserver) pixels(window uint32) ([]uint32, error) {
	width, height, err := x.size(window)
	if err != nil {
		return nil, err
	}
	const zPixmap = 2
	reply, err := x.ask(xGetImage, zPixmap, []uint32{window, 0, uint32(height)<<16 | uint32(width), 0xffffffff})
	if err != nil {
		return nil, err
	}
	data := reply[32:]
	all := make([]uint32, 0, len(data)/4)
	for ; len(data) >= 4; data = data[4:] {
		all = append(all, binary.LittleEndian.Uint32(data)&0xffffff)
	}
	return all, nil
}

// paintRoot gives the root window a color that no program has.
func (x *xserver) paintRoot(color uint32) error {
	const background = 1 << 1
	if err := x.send(xChangeWindowAttributes, 0, []uint32{x.root, background, color}); err != nil {
		return err
	}
	return x.send(xClearArea, 0, []uint32{x.root, 0, 0})
}
