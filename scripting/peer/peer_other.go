//go:build !linux && !darwin

package peer

// credentials: Windows has sockets of this kind, but they do not tell the user
// at the other end. What keeps other users out is the folder, which only its
// owner may enter. A named pipe, which tells, comes with the package for
// Windows.
func credentials(uintptr) (Process, error) {
	return Process{UID: Unknown}, ErrUnsupported
}

func executable(int) string { return "" }
