package storage

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// errLocked is returned by tryLock if another process holds the lock.
var errLocked = errors.New("locked by another process")

// A lock is an exclusive hold on a file by this process. The system releases it
// when the process ends in whatever way, so it cannot become stale. The file
// itself stays, and holds the process' number for others to read.
type lock struct{ file *os.File }

// takeLock locks the file path, which it creates. If another process has it,
// the error matches errLocked and pid is that process, or 0 if unknown.
func takeLock(path string) (l *lock, pid int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	if err := tryLock(f); err != nil {
		pid := readPID(f)
		f.Close()
		return nil, pid, err
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return &lock{f}, 0, nil
}

// release gives the lock up.
func (l *lock) release() error {
	err := l.file.Truncate(0)
	return errors.Join(err, l.file.Close())
}

func readPID(f *os.File) int {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
