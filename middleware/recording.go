package middleware

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNotRecording is returned for the end of a recording that is not on.
	ErrNotRecording = errors.New("middleware: the call is not being recorded")
	// ErrRecording is returned for the start of one that is on already.
	ErrRecording = errors.New("middleware: the call is being recorded already")
	// ErrNoStream is returned where a call has no audio yet.
	ErrNoStream = errors.New("middleware: the call has no audio")
)

func (s *Session) checkRecording(fileName string) error {
	switch {
	case s.now.Audio.RecordingFile != "":
		return ErrRecording
	case s.stream == nil || !s.now.Audio.Active:
		return ErrNoStream
	case fileName != "" && !filepath.IsAbs(fileName):
		return fmt.Errorf("middleware: the recording's name %q is not an absolute path", fileName)
	}
	return nil
}

func (s *Session) startRecording(fileName string) {
	if fileName == "" {
		fileName = s.recordingName(time.Now())
	}
	s.publish(SIPSessionWillStartRecordingAudio{About: s.about(), FileName: fileName})
	err := os.MkdirAll(filepath.Dir(fileName), 0o700)
	if err == nil {
		err = s.stream.StartRecording(fileName)
	}
	if err != nil {
		s.log.Warn("Recording did not start", "err", err)
		s.publish(SIPSessionDidStopRecordingAudio{About: s.about(), FileName: fileName, Err: err})
		return
	}
	s.now.Audio.RecordingFile = fileName
	s.publish(SIPSessionDidStartRecordingAudio{About: s.about(), FileName: fileName})
}

// stopRecording ends a recording, if there is one; err says why it stopped by
// itself.
func (s *Session) stopRecording(err error) {
	name := s.now.Audio.RecordingFile
	if name == "" {
		return
	}
	s.publish(SIPSessionWillStopRecordingAudio{About: s.about(), FileName: name})
	if s.stream != nil {
		err = errors.Join(err, s.stream.StopRecording())
	}
	s.now.Audio.RecordingFile = ""
	s.publish(SIPSessionDidStopRecordingAudio{About: s.about(), FileName: name, Err: err})
}

// recordingName makes a file name of the time and the peer that no file is
// known to have. Where the folder cannot be looked at, StartRecording says why.
func (s *Session) recordingName(at time.Time) string {
	who := safeFileName(s.now.Peer.Address)
	return freeName(filepath.Join(s.config.recordingDir, at.Format("2006-01-02 15.04.05")+" "+who))
}

// freeName completes base to the name of a WAV file that is not there.
func freeName(base string) string {
	name := base + ".wav"
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s (%d).wav", base, n)
	}
}

// maxFileName bounds, in bytes, the peer's part of a file name. Most file
// systems take 255 for a whole name, and the peer chooses this part.
const maxFileName = 120

// safeFileName keeps of text what every file system takes.
func safeFileName(text string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@.+-_ ", r) {
			return r
		}
		return '_'
	}, text)
	for len(name) > maxFileName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name = strings.Trim(name, ". "); name == "" {
		return "call"
	}
	return name
}
