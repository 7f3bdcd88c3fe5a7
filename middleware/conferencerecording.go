package middleware

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// StartConferenceRecording records the conference to a stereo WAV file: ours on
// the left, all members on the right, whoever they are from time to time. An empty
// name makes one of the time in the recordings folder. The file is playable at
// every moment and ends with the conference at the latest. The calls' own
// recordings go on beside it. It waits for the disk.
func (m *SessionManager) StartConferenceRecording(fileName string) error {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.members) == 0:
		return &ConferenceError{"StartConferenceRecording", ErrNoConference}
	case c.now.RecordingFile != "":
		return &ConferenceError{"StartConferenceRecording", ErrRecording}
	case fileName != "" && !filepath.IsAbs(fileName):
		return fmt.Errorf("middleware: the recording's name %q is not an absolute path", fileName)
	case fileName == "":
		fileName = freeName(filepath.Join(m.recordingDir(), time.Now().Format("2006-01-02 15.04.05")+" conference"))
	}
	if err := os.MkdirAll(filepath.Dir(fileName), 0o700); err != nil {
		return fmt.Errorf("middleware: recording: %w", err)
	}
	if err := m.engine.StartConferenceRecording(fileName); err != nil {
		return err
	}
	c.now.RecordingFile = fileName
	m.conferenceChanged(nil)
	return nil
}

// recordingDir is where recordings go unless a name says otherwise.
func (m *SessionManager) recordingDir() string {
	if dir := m.settings.Get().Calls.RecordingDir; dir != "" {
		return dir
	}
	return m.dir
}

// StopConferenceRecording ends the recording and returns when the file is
// complete.
func (m *SessionManager) StopConferenceRecording() error {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.RecordingFile == "" {
		return &ConferenceError{"StopConferenceRecording", ErrNotRecording}
	}
	err := m.engine.StopConferenceRecording()
	c.now.RecordingFile = ""
	m.conferenceChanged(err)
	return err
}

// conferenceRecordingFailed takes in that the disk would have no more of it.
func (m *SessionManager) conferenceRecordingFailed(fileName string, err error) {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.RecordingFile != fileName {
		return
	}
	m.log.Warn("Recording of the conference failed", "err", err)
	c.now.RecordingFile = ""
	m.conferenceChanged(err)
}
