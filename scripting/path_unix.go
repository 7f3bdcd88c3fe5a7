//go:build unix

package scripting

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkFolder refuses a folder that belongs to somebody else, or in which
// others may remove what is not theirs.
func checkFolder(folder string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	trusted := int(st.Uid) == os.Getuid() || st.Uid == 0
	open := info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0
	if open || !trusted {
		return fmt.Errorf("scripting: other users can write to the socket's folder %s", folder)
	}
	return nil
}
