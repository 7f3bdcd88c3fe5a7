package scripting

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"parley/scripting/peer"
)

// maxPath bounds the path of a socket in bytes: sockaddr_un has 104 on some
// systems and 108 on others, with a NUL at the end.
const maxPath = 103

// DefaultPath returns where the API of the profile in dir listens: the same for
// every way to write dir. The name lies in the person's runtime folder, or,
// where the system has none, in a folder of their own among the temporary ones.
func DefaultPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("scripting: profile %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	sum := sha256.Sum256([]byte(abs))
	folder := filepath.Join(os.TempDir(), "parley-"+strconv.Itoa(os.Getuid()))
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) && isDir(runtime) {
		folder = filepath.Join(runtime, "parley")
	}
	return filepath.Join(folder, hex.EncodeToString(sum[:8])+".sock"), nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// listen opens the socket at path, for its user alone.
func listen(path string) (net.Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("scripting: the socket's path %s has %d bytes, the system takes %d", path, len(path), maxPath)
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("scripting: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("scripting: %w", err)
	}
	return l, nil
}

// makeFolder makes the socket's folder, for its user alone. A folder that was
// there must not let others exchange the socket.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("scripting: %w", err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return fmt.Errorf("scripting: %w", err)
	}
	return checkFolder(folder, info)
}

// removeStale removes a socket that nobody answers at.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scripting: %w", err)
	}
	if info.Mode().IsRegular() || info.IsDir() || info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("scripting: %s is there and is no socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("%w: %s", ErrInUse, path)
	}
	if !peer.Refused(err) {
		return fmt.Errorf("%w: %s: %w", ErrInUse, path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("scripting: %w", err)
	}
	return nil
}
