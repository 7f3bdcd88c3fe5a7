package sip

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unansweredTime is how long sent data may stay without an answer.
const unansweredTime = 20 * time.Second

// limitUnanswered has the system give a connection up when data stay unanswered
// for [unansweredTime] (tcp(7), TCP_USER_TIMEOUT); accepted ones inherit it. A
// kernel that does not know the option waits for longer, which harms nobody.
func limitUnanswered(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unansweredTime.Milliseconds()))
	})
}
