package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// stampFormat is the time in the names of files that are kept aside.
const stampFormat = "20060102-150405"

// A SettingsStore holds the settings and their file. Its mutex owns both. All
// methods may be called from any goroutine.
type SettingsStore struct {
	path   string
	log    *slog.Logger
	writer writer

	mu       sync.Mutex
	settings Settings
	extras   extras
	problems []Problem
	onDisk   []byte // content of the file when last read or written; nil is no file
	closed   bool
}

// openSettings reads the settings file at path, or begins a new one if there is
// none. Mistakes in the file are no error.
func openSettings(path string, log *slog.Logger) (*SettingsStore, error) {
	s := &SettingsStore{path: path, log: log}
	removeTemps(path)
	data, modified, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.settings = DefaultSettings()
		return s, s.write(s.settings, nil)
	}
	if err != nil {
		return nil, &ProfileError{Op: "read", Path: path, Err: err, Fix: "Check that you may read the file, or move it away"}
	}
	l := load(data)
	s.settings, s.extras, s.problems, s.onDisk = l.settings, l.extras, l.problems, data
	if l.lossy {
		if err := s.keep(data, modified, s.problems); err != nil {
			return nil, err
		}
	}
	for i := range s.problems {
		s.problems[i].File = path
	}
	return s, nil
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
	const most = 16 * maxFile // what is only too large is read, to be kept aside
	if info.Size() > most {
		return nil, time.Time{}, fmt.Errorf("the file is larger than %d bytes", most)
	}
	data, err = io.ReadAll(f)
	return data, info.ModTime(), err
}

// keep keeps data aside and names the copy in each of problems.
func (s *SettingsStore) keep(data []byte, modified time.Time, problems []Problem) error {
	kept, err := keepAside(s.path, modified.UTC().Format(stampFormat), data)
	if err != nil {
		return err
	}
	for i := range problems {
		problems[i].Kept = kept
	}
	return nil
}

// Get returns a deep copy of the settings. It does not block on the disk.
func (s *SettingsStore) Get() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.Clone()
}

// Problems returns what was found wrong with the file, in its order.
func (s *SettingsStore) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Update calls change with a copy of the settings, checks the result, writes it
// to the disk and only then makes it the settings. It returns deep copies from
// before and after. If change leaves everything as it was nothing is written.
//
// A result that [Settings.Validate] refuses gives its *ValueError, and a file
// that cannot be written a *ProfileError; the settings then stay as they were.
// One Update runs at a time: change must not call into the store.
func (s *SettingsStore) Update(change func(*Settings)) (before, after Settings, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, after = s.settings.Clone(), s.settings.Clone()
	if s.closed {
		return before, before.Clone(), ErrClosed
	}
	change(&after)
	after = after.Clone() // change may have kept references
	if err := after.Validate(); err != nil {
		return before, before.Clone(), err
	}
	if bytes.Equal(render(before, nil), render(after, nil)) {
		return before, after, nil
	}
	if err := s.write(after, s.extras); err != nil {
		return before, before.Clone(), err
	}
	s.settings = after.Clone()
	return before, after, nil
}

// write replaces the file. What someone else wrote to it meanwhile is kept
// aside first.
func (s *SettingsStore) write(settings Settings, x extras) error {
	data, modified, err := readFile(s.path)
	if err == nil && !bytes.Equal(data, s.onDisk) {
		p := []Problem{{File: s.path, Text: "the file was changed by another program while Parley was running; the changes were not used"}}
		if err := s.keep(data, modified, p); err != nil {
			return err
		}
		s.problems = append(s.problems, p[0])
		s.log.Warn("Settings file was changed meanwhile", "kept", p[0].Kept)
	}
	data = render(settings, x)
	if err := s.writer.replace(s.path, data); err != nil {
		return err
	}
	s.onDisk = data
	return nil
}

func (s *SettingsStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
