package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// Limits of what [NewReader] accepts.
const (
	MaxRate     = 768_000
	MaxChannels = 32
)

// Format codes of RIFF's fmt chunk.
const (
	codePCM        = 0x0001
	codeFloat      = 0x0003
	codeALaw       = 0x0006
	codeMuLaw      = 0x0007
	codeExtensible = 0xfffe
)

// A Format is how the samples of a file are laid out in time.
type Format struct {
	Rate     int // samples a second, of each channel
	Channels int
}

// A FormatError says what is wrong with a file and where.
type FormatError struct {
	Offset int64 // bytes from the beginning of the file
	Text   string
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("wav: %s at byte %d", e.Text, e.Offset)
}

// A Reader yields the samples of a WAV file as float32 in [-1, 1]. It is not
// safe for use by several goroutines.
type Reader struct {
	file   io.ReadSeeker
	buf    *bufio.Reader
	format Format
	layout layout
	start  int64 // of the samples, in bytes
	size   int64 // of the samples, in bytes, a multiple of a block
	left   int64
	block  []byte
	closer io.Closer
}

// layout is how one sample is stored.
type layout struct {
	bytes int // of one sample of one channel
	value func([]byte) float32
}

// Open opens the file at path. It fails with a [*FormatError] if that is not a
// WAV file with uncompressed sound.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	r, err := NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.closer = f
	return r, nil
}

// NewReader reads the header of a WAV file. The sound may be shorter than the
// header says, as it is when a recording was cut off; the reader then ends at
// the end of the file. It does not close file.
func NewReader(file io.ReadSeeker) (*Reader, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	r := &Reader{file: file, buf: bufio.NewReaderSize(nil, 16<<10)}
	if err := r.parse(end); err != nil {
		return nil, err
	}
	if err := r.Rewind(); err != nil {
		return nil, err
	}
	return r, nil
}

// Format returns the rate and the number of channels.
func (r *Reader) Format() Format { return r.format }

// Frames returns how many samples each channel holds.
func (r *Reader) Frames() int64 {
	return r.size / int64(r.layout.bytes*r.format.Channels)
}

// Read fills dst with interleaved samples, whole frames of all channels only,
// and returns how many samples it wrote. At the end it returns 0 and [io.EOF].
// A dst that holds less than one frame is [io.ErrShortBuffer].
func (r *Reader) Read(dst []float32) (int, error) {
	block := r.layout.bytes * r.format.Channels
	frames := int64(len(dst) / r.format.Channels)
	if frames == 0 {
		return 0, io.ErrShortBuffer
	}
	frames = min(frames, r.left/int64(block))
	if frames == 0 {
		return 0, io.EOF
	}
	need := int(frames) * block
	if cap(r.block) < need {
		r.block = make([]byte, need)
	}
	got, err := io.ReadFull(r.buf, r.block[:need])
	got -= got % block
	r.left -= int64(got)
	n := got / r.layout.bytes
	for i := range n {
		dst[i] = r.layout.value(r.block[i*r.layout.bytes:])
	}
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		r.left = 0
		return 0, io.EOF
	default:
		return 0, fmt.Errorf("wav: %w", err)
	}
}

// Rewind goes back to the first sample.
func (r *Reader) Rewind() error {
	if _, err := r.file.Seek(r.start, io.SeekStart); err != nil {
		return fmt.Errorf("wav: %w", err)
	}
	r.buf.Reset(r.file)
	r.left = r.size
	return nil
}

// Close closes the file that [Open] opened.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// layoutOf returns how samples of that format code and size are stored.
func layoutOf(code uint16, bits int) (layout, bool) {
	switch {
	case code == codePCM && bits > 0 && bits <= 8:
		return layout{1, func(b []byte) float32 { return (float32(b[0]) - 128) / 128 }}, true
	case code == codePCM && bits > 8 && bits <= 16:
		return layout{2, func(b []byte) float32 {
			return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
		}}, true
	case code == codePCM && bits > 16 && bits <= 24:
		return layout{3, func(b []byte) float32 {
			v := int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24) >> 8
			return float32(v) / (1 << 23)
		}}, true
	case code == codePCM && bits > 24 && bits <= 32:
		return layout{4, func(b []byte) float32 {
			return float32(float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31))
		}}, true
	case code == codeFloat && bits == 32:
		return layout{4, func(b []byte) float32 {
			return clean(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}}, true
	case code == codeFloat && bits == 64:
		return layout{8, func(b []byte) float32 {
			return clean(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}}, true
	}
	return layout{}, false
}

// clean bounds a float sample, for files are free to hold anything.
func clean(v float64) float32 {
	if math.IsNaN(v) {
		return 0
	}
	return float32(max(-1, min(1, v)))
}
