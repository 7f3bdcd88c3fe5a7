package storage

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// stampFormat is the time in the names of files that are kept aside.
const stampFormat = "20060102-150405"

// A keptFile is a file that people may edit as well: what would be lost by
// writing it is kept aside first.
type keptFile struct {
	path     string
	log      *slog.Logger
	writer   writer
	problems []Problem
	onDisk   []byte // content of the file when last read or written; nil is no file
}

// readFile reads a file and its time of change.
func readFile(path string) (data []byte, modified time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	const most = 16 * maxFile // what is only too large for its reader is read, to be kept aside
	if info.Size() > most {
		return nil, time.Time{}, fmt.Errorf("the file is larger than %d bytes", most)
	}
	data, err = io.ReadAll(f)
	return data, info.ModTime(), err
}

// keep keeps data aside and names the copy in each of problems.
func (f *keptFile) keep(data []byte, modified time.Time, problems []Problem) error {
	kept, err := keepAside(f.path, modified.UTC().Format(stampFormat), data)
	if err != nil {
		return err
	}
	for i := range problems {
		problems[i].Kept = kept
	}
	return nil
}

// replace makes data the content of the file. What someone else wrote to it
// meanwhile is kept aside first.
func (f *keptFile) replace(data []byte) error {
	found, modified, err := readFile(f.path)
	if err == nil && !bytes.Equal(found, f.onDisk) {
		p := []Problem{{File: f.path, Text: "the file was changed by another program while Parley was running; the changes were not used"}}
		if err := f.keep(found, modified, p); err != nil {
			return err
		}
		f.problems = append(f.problems, p[0])
		f.log.Warn("A file of the profile was changed meanwhile", "file", f.path, "kept", p[0].Kept)
	}
	if err := f.writer.replace(f.path, data); err != nil {
		return err
	}
	f.onDisk = data
	return nil
}
