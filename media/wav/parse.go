package wav

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// parse walks the chunks of the file, which is end bytes long, and sets format,
// layout, start and size.
func (r *Reader) parse(end int64) error {
	p := parser{file: r.file, end: end}
	if err := p.riff(); err != nil {
		return err
	}
	for {
		done, err := p.chunk()
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	if !p.haveFormat {
		return &FormatError{p.pos, "no fmt chunk"}
	}
	if !p.haveData {
		return &FormatError{p.pos, "no data chunk"}
	}
	block := int64(p.layout.bytes * p.format.Channels)
	r.format, r.layout, r.start = p.format, p.layout, p.start
	r.size = p.size - p.size%block
	return nil
}

// parser is the state of one walk.
type parser struct {
	file io.ReadSeeker
	end  int64
	pos  int64
	told int64 // size of the file by its own header
	long bool  // RF64: sizes of 0xffffffff stand in the ds64 chunk
	data int64 // size of the data chunk by ds64

	format     Format
	layout     layout
	haveFormat bool

	start, size int64
	haveData    bool
	others      int // chunks passed over
}

// read fills b from pos on. It reports whether that much is left.
func (p *parser) read(b []byte) (bool, error) {
	if int64(len(b)) > p.end-p.pos {
		return false, nil
	}
	if _, err := p.file.Seek(p.pos, io.SeekStart); err != nil {
		return false, fmt.Errorf("wav: %w", err)
	}
	if _, err := io.ReadFull(p.file, b); err != nil {
		return false, fmt.Errorf("wav: %w", err)
	}
	return true, nil
}

// riff reads the twelve bytes that begin the file. Its size field is not
// believed: the file's own length counts.
func (p *parser) riff() error {
	var head [12]byte
	ok, err := p.read(head[:])
	switch {
	case err != nil:
		return err
	case !ok:
		return &FormatError{p.end, "file ends in the header"}
	case string(head[:4]) != "RIFF" && string(head[:4]) != "RF64":
		return &FormatError{0, fmt.Sprintf("%q instead of RIFF", head[:4])}
	case string(head[8:]) != "WAVE":
		return &FormatError{8, fmt.Sprintf("%q instead of WAVE", head[8:])}
	}
	p.told = int64(binary.LittleEndian.Uint32(head[4:])) + 8
	p.long = string(head[:4]) == "RF64"
	p.pos = 12
	return nil
}

// chunk reads one chunk and reports whether nothing of interest follows.
func (p *parser) chunk() (done bool, err error) {
	const maxChunks = 4096
	var head [8]byte
	ok, err := p.read(head[:])
	if err != nil || !ok {
		return true, err
	}
	at := p.pos
	p.pos += int64(len(head))
	size := int64(binary.LittleEndian.Uint32(head[4:]))
	switch string(head[:4]) {
	case "ds64":
		err = p.ds64(at)
	case "fmt ":
		err = p.fmt(at, size)
	case "data":
		p.takeData(size)
		if p.haveFormat {
			return true, nil
		}
		size = p.size
	default:
		if p.others++; p.others > maxChunks {
			return true, &FormatError{at, "too many chunks"}
		}
	}
	p.pos += size + size%2
	return p.haveFormat && p.haveData, err
}

// takeData notes where the samples are. A size of all ones, or of zero in a file
// that is longer than it says, is what a writer leaves that was cut off: the
// sound then goes on to the end.
func (p *parser) takeData(size int64) {
	if p.haveData {
		return
	}
	left := p.end - p.pos
	if size == math.MaxUint32 && p.long && p.data > 0 {
		size = p.data
	}
	if (size == 0 && p.told != p.end) || size == math.MaxUint32 || size > left {
		size = left
	}
	p.start, p.size, p.haveData = p.pos, size, true
}

// ds64 reads the long sizes of RF64 (EBU Tech 3306).
func (p *parser) ds64(at int64) error {
	var b [16]byte // riff size, data size
	ok, err := p.read(b[:])
	if err != nil {
		return err
	}
	if !ok {
		return &FormatError{at, "ds64 chunk cut off"}
	}
	if size := binary.LittleEndian.Uint64(b[8:]); size <= math.MaxInt64 {
		p.data = int64(size)
	}
	return nil
}

// fmt reads the format chunk.
func (p *parser) fmt(at, size int64) error {
	b := make([]byte, min(max(size, 0), 40))
	if len(b) < 16 {
		return &FormatError{at, fmt.Sprintf("fmt chunk of %d bytes", size)}
	}
	ok, err := p.read(b)
	if err != nil {
		return err
	}
	if !ok {
		return &FormatError{at, "fmt chunk cut off"}
	}
	code := binary.LittleEndian.Uint16(b)
	channels := int(binary.LittleEndian.Uint16(b[2:]))
	rate := binary.LittleEndian.Uint32(b[4:])
	align := int(binary.LittleEndian.Uint16(b[12:]))
	bits := int(binary.LittleEndian.Uint16(b[14:]))
	if code == codeExtensible && len(b) >= 26 {
		code = binary.LittleEndian.Uint16(b[24:]) // the head of the sub-format's GUID
	}
	switch {
	case channels < 1 || channels > MaxChannels:
		return &FormatError{at, fmt.Sprintf("%d channels", channels)}
	case rate < 1 || rate > MaxRate:
		return &FormatError{at, fmt.Sprintf("%d samples a second", rate)}
	}
	if code == codePCM && align%channels == 0 && align/channels <= 4 && align/channels*8 > bits {
		bits = align / channels * 8 // left-justified in a larger container
	}
	l, ok := layoutOf(code, bits)
	if !ok {
		return &FormatError{at, fmt.Sprintf("%s of %d bits", codeName(code), bits)}
	}
	p.format = Format{Rate: int(rate), Channels: channels}
	p.layout, p.haveFormat = l, true
	return nil
}

// codeName names a format code in an error.
func codeName(code uint16) string {
	switch code {
	case codePCM:
		return "PCM"
	case codeFloat:
		return "float"
	case codeALaw:
		return "A-law"
	case codeMuLaw:
		return "mu-law"
	}
	return fmt.Sprintf("unknown format %#04x", code)
}
