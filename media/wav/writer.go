package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// MaxSize bounds the sound of one file in bytes, since the fields of a WAV
// header hold 32 bits: over six hours of stereo at 48 kHz.
const MaxSize = math.MaxUint32 - headerSize

// ErrTooLong means that a file has reached [MaxSize].
var ErrTooLong = errors.New("wav: file is full")

// updateEvery is how much sound may be in the file that the header does not yet
// tell of.
const updateEvery = 200 * time.Millisecond

const headerSize = 44

// A Writer writes 16-bit PCM. At any moment the file is a valid one: its header
// is corrected as the sound grows, no later than every 200 ms of it, and after
// the sound is there. It is not safe for use by several goroutines.
type Writer struct {
	file   io.WriteSeeker
	closer io.Closer
	format Format
	size   int64 // bytes of sound in the file
	told   int64 // bytes of sound the header tells of
	buf    []byte
	err    error // first failure; nothing is written after it
}

// Create makes or truncates the file at path, readable by its owner only.
func Create(path string, rate, channels int) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	w, err := NewWriter(f, rate, channels)
	if err != nil {
		f.Close()
		return nil, err
	}
	w.closer = f
	return w, nil
}

// NewWriter writes a header to the beginning of file, which must be empty. It
// does not close file.
func NewWriter(file io.WriteSeeker, rate, channels int) (*Writer, error) {
	if rate < 1 || rate > MaxRate || channels < 1 || channels > MaxChannels {
		return nil, fmt.Errorf("wav: %d channels at %d samples a second", channels, rate)
	}
	w := &Writer{file: file, format: Format{Rate: rate, Channels: channels}}
	if _, err := file.Write(w.header()); err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	return w, nil
}

// Write appends interleaved samples, whole frames of all channels; what is
// beyond [-1, 1] is clipped. It fails with [ErrTooLong] rather than grow the
// file beyond [MaxSize]. After a failure nothing more is written.
func (w *Writer) Write(interleaved []float32) error {
	if w.err != nil {
		return w.err
	}
	if len(interleaved)%w.format.Channels != 0 {
		return fmt.Errorf("wav: %d samples for %d channels", len(interleaved), w.format.Channels)
	}
	if w.size+int64(2*len(interleaved)) > MaxSize {
		return w.fail(ErrTooLong)
	}
	w.buf = w.buf[:0]
	for _, v := range interleaved {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(quantize(v)))
	}
	n, err := w.file.Write(w.buf)
	w.size += int64(n)
	if err != nil {
		return w.fail(fmt.Errorf("wav: %w", err))
	}
	if w.size-w.told >= w.bytesIn(updateEvery/2) {
		return w.update()
	}
	return nil
}

// Frames returns how many samples of each channel were written.
func (w *Writer) Frames() int64 { return w.size / int64(2*w.format.Channels) }

// Close corrects the header and closes the file that [Create] made. It returns
// the first failure there was, [ErrTooLong] excepted: that file is whole.
func (w *Writer) Close() error {
	err := w.err
	if err == nil || errors.Is(err, ErrTooLong) {
		w.err = nil
		err = w.update()
	}
	w.err = os.ErrClosed
	if w.closer == nil {
		return err
	}
	closeErr := w.closer.Close()
	w.closer = nil
	return errors.Join(err, closeErr)
}

// update makes the header tell of all the sound that is in the file.
func (w *Writer) update() error {
	if w.told == w.size {
		return nil
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return w.fail(fmt.Errorf("wav: %w", err))
	}
	if _, err := w.file.Write(w.header()); err != nil {
		return w.fail(fmt.Errorf("wav: %w", err))
	}
	if _, err := w.file.Seek(0, io.SeekEnd); err != nil {
		return w.fail(fmt.Errorf("wav: %w", err))
	}
	w.told = w.size
	return nil
}

// fail remembers the first failure.
func (w *Writer) fail(err error) error {
	w.err = err
	return err
}

// bytesIn is how many bytes that much sound takes.
func (w *Writer) bytesIn(d time.Duration) int64 {
	frames := int64(d) * int64(w.format.Rate) / int64(time.Second)
	return frames * int64(2*w.format.Channels)
}

// header is the RIFF header for the sound that is in the file.
func (w *Writer) header() []byte {
	b := make([]byte, 0, headerSize)
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	block := 2 * w.format.Channels
	b = append(b, "RIFF"...)
	b = u32(b, uint32(w.size)+headerSize-8)
	b = append(b, "WAVEfmt "...)
	b = u32(b, 16)
	b = u16(b, codePCM)
	b = u16(b, uint16(w.format.Channels))
	b = u32(b, uint32(w.format.Rate))
	b = u32(b, uint32(w.format.Rate*block))
	b = u16(b, uint16(block))
	b = u16(b, 16)
	b = append(b, "data"...)
	return u32(b, uint32(w.size))
}

// quantize rounds v to 16 bits.
func quantize(v float32) int16 {
	switch {
	case v != v:
		return 0
	case v >= 1:
		return math.MaxInt16
	case v <= -1:
		return -math.MaxInt16
	}
	return int16(math.RoundToEven(float64(v) * math.MaxInt16))
}
