// Package peer tells which process is at the other end of a local socket. The
// system answers, not the process.
package peer

import (
	"errors"
	"net"
)

// ErrUnsupported is returned on systems that do not tell.
var ErrUnsupported = errors.New("peer: this system does not tell who is at the other end")

// Unknown is the UID of a process whose user the system does not tell.
const Unknown = -1

// A Process is who was at the other end when the connection was made.
type Process struct {
	UID        int    // of its user
	PID        int    // 0 if it cannot be told
	Executable string // absolute path; empty if it cannot be told
}

// Of returns the process that c leads to. What follows from a PID may be out of
// date when that process has ended.
func Of(c *net.UnixConn) (Process, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Process{UID: Unknown}, err
	}
	p := Process{UID: Unknown}
	var failed error
	if err := raw.Control(func(fd uintptr) { p, failed = credentials(fd) }); err != nil {
		return p, err
	}
	if failed == nil {
		p.Executable = executable(p.PID)
	}
	return p, failed
}
