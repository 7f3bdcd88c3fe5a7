package peer

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// credentials asks for SO_PEERCRED, see unix(7).
func credentials(fd uintptr) (Process, error) {
	c, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return Process{UID: Unknown}, os.NewSyscallError("getsockopt", err)
	}
	return Process{UID: int(c.Uid), PID: int(c.Pid)}, nil
}

// executable returns what the kernel says that the process runs. A program that
// was replaced on the disk since, as by an update, keeps its name.
func executable(pid int) string {
	if pid <= 0 {
		return ""
	}
	name, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(name, " (deleted)")
}
