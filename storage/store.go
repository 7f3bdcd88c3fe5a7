package storage

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
)

// A SettingsStore holds the settings and their file. Its mutex owns both. All
// methods may be called from any goroutine.
type SettingsStore struct {
	keptFile // owned by mu, but for path and log

	mu       sync.Mutex
	settings Settings
	extras   extras
	closed   bool
}

// openSettings reads the settings file at path, or begins a new one if there is
// none. Mistakes in the file are no error.
func openSettings(path string, log *slog.Logger) (*SettingsStore, error) {
	s := &SettingsStore{keptFile: keptFile{path: path, log: log}}
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

// write replaces the file.
func (s *SettingsStore) write(settings Settings, x extras) error {
	return s.replace(render(settings, x))
}

func (s *SettingsStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
