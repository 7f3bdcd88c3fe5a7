package peer

import (
	"bytes"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// credentials asks for LOCAL_PEERCRED and LOCAL_PEERPID, see unix(4).
func credentials(fd uintptr) (Process, error) {
	c, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Process{UID: Unknown}, os.NewSyscallError("getsockopt", err)
	}
	p := Process{UID: int(c.Uid)}
	if pid, err := unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
		p.PID = pid
	}
	return p, nil
}

// executable returns the path that the process was started by. It follows the
// number of arguments, four bytes, in the answer of kern.procargs2.
func executable(pid int) string {
	if pid <= 0 {
		return ""
	}
	args, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil || len(args) < 4 {
		return ""
	}
	name, _, _ := bytes.Cut(args[4:], []byte{0})
	if !filepath.IsAbs(string(name)) {
		return ""
	}
	return string(name)
}
