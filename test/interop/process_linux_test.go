package interop

import (
	"os/exec"
	"syscall"
)

// endWithUs lets the system end the process when the test program is killed.
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
