package netwatch

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// readSize is enough for any one message; what they say is not looked at.
const readSize = 16 << 10

// listen calls hint for every message about links and addresses from the kernel
// (rtnetlink(7)), until ctx ends.
func listen(ctx context.Context, hint func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "netlink")
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = f.Close()
		return fmt.Errorf("netlink socket: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = f.Close() })
	go func() {
		buf := make([]byte, readSize)
		for {
			_, err := f.Read(buf)
			if err != nil && !errors.Is(err, unix.ENOBUFS) { // the kernel dropped some
				_ = f.Close()
				return
			}
			hint()
		}
	}()
	return nil
}
