package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chunk builds a RIFF chunk, padded to an even size.
func chunk(id string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// file builds a WAV file of chunks.
func file(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), slices.Concat(chunks...)...)
	return chunk("RIFF", body)
}

// fmtChunk builds a format chunk of 16 bytes.
func fmtChunk(code uint16, channels, rate, bits int) []byte {
	return chunk("fmt ", fmtBody(code, channels, rate, bits))
}

func fmtBody(code uint16, channels, rate, bits int) []byte {
	block := (bits + 7) / 8 * channels
	b := binary.LittleEndian.AppendUint16(nil, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*block))
	b = binary.LittleEndian.AppendUint16(b, uint16(block))
	return binary.LittleEndian.AppendUint16(b, uint16(bits))
}

// readAll reads everything in small steps.
func readAll(t *testing.T, data []byte) (Format, []float32) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	return r.Format(), drain(t, r)
}

func drain(t *testing.T, r *Reader) []float32 {
	t.Helper()
	var all []float32
	buf := make([]float32, 7*r.Format().Channels)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
	}
}

func TestRead(t *testing.T) {
	mono16 := fmtChunk(codePCM, 1, 8000, 16)
	pcm := []byte{0x00, 0x40, 0x00, 0xc0}
	half := []float32{0.5, -0.5}
	float := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.25))
	float = binary.LittleEndian.AppendUint32(float, math.Float32bits(float32(math.NaN())))
	float = binary.LittleEndian.AppendUint32(float, math.Float32bits(7))
	extensible := append(fmtBody(codeExtensible, 2, 48000, 16), 22, 0, 16, 0, 3, 0, 0, 0)
	extensible = append(extensible, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
	rf64 := file(chunk("ds64", append(binary.LittleEndian.AppendUint64(make([]byte, 8), 4), make([]byte, 12)...)),
		mono16, append([]byte("data\xff\xff\xff\xff"), pcm...), chunk("LIST", []byte("x")))
	copy(rf64, "RF64")
	tests := []struct {
		name   string
		in     []byte
		format Format
		want   []float32
	}{
		{"16 bit", file(mono16, chunk("data", pcm)), Format{8000, 1}, half},
		{"8 bit", file(fmtChunk(codePCM, 1, 8000, 8), chunk("data", []byte{192, 64, 128})), Format{8000, 1}, []float32{0.5, -0.5, 0}},
		{"24 bit", file(fmtChunk(codePCM, 1, 44100, 24), chunk("data", []byte{0, 0, 0x40, 0, 0, 0xc0})), Format{44100, 1}, half},
		{"32 bit", file(fmtChunk(codePCM, 1, 8000, 32), chunk("data", []byte{0, 0, 0, 0x40, 0, 0, 0, 0xc0})), Format{8000, 1}, half},
		{"float with nonsense in it", file(fmtChunk(codeFloat, 1, 8000, 32), chunk("data", float)), Format{8000, 1}, []float32{0.25, 0, 1}},
		{"double", file(fmtChunk(codeFloat, 1, 8000, 64), chunk("data", binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.5)))), Format{8000, 1}, []float32{-0.5}},
		{"extensible stereo", file(chunk("fmt ", extensible), chunk("data", pcm)), Format{48000, 2}, half},
		{"chunks before and between, of odd size", file(chunk("LIST", []byte("abc")), mono16, chunk("fact", []byte("x")), chunk("data", pcm)), Format{8000, 1}, half},
		{"sound before format", file(chunk("data", pcm), mono16), Format{8000, 1}, half},
		{"chunks after", file(mono16, chunk("data", pcm), chunk("LIST", []byte("abcd"))), Format{8000, 1}, half},
		{"size says more than there is", file(mono16, append([]byte("data\x00\x10\x00\x00"), pcm...)), Format{8000, 1}, half},
		{"size never filled in", append(file(mono16, []byte("data\x00\x00\x00\x00")), pcm...), Format{8000, 1}, half},
		{"size of all ones", file(mono16, append([]byte("data\xff\xff\xff\xff"), pcm...)), Format{8000, 1}, half},
		{"half a sample at the end", file(mono16, append([]byte("data\x05\x00\x00\x00"), 0, 0x40, 0, 0xc0, 9)), Format{8000, 1}, half},
		{"empty", file(mono16, chunk("data", nil)), Format{8000, 1}, nil},
		{"empty with a tail", file(mono16, chunk("data", nil), chunk("LIST", []byte("abcd"))), Format{8000, 1}, nil},
		{"long sizes", rf64, Format{8000, 1}, half},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			format, got := readAll(t, tt.in)
			if format != tt.format {
				t.Errorf("Format() = %v, want %v", format, tt.format)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	pcm := chunk("data", []byte{1, 2})
	tests := []struct {
		name, want string
		in         []byte
	}{
		{"nothing", "file ends in the header at byte 0", nil},
		{"another format", `"OggS" instead of RIFF at byte 0`, []byte("OggS............")},
		{"not WAVE", `"AVI " instead of WAVE at byte 8`, []byte("RIFF\x00\x00\x00\x00AVI ....")},
		{"no fmt", "no fmt chunk", file(pcm)},
		{"no data", "no data chunk", file(fmtChunk(codePCM, 1, 8000, 16))},
		{"A-law", "A-law of 8 bits at byte 12", file(fmtChunk(codeALaw, 1, 8000, 8), pcm)},
		{"no channels", "0 channels at byte 12", file(fmtChunk(codePCM, 0, 8000, 16), pcm)},
		{"many channels", "65535 channels", file(fmtChunk(codePCM, 65535, 8000, 16), pcm)},
		{"no rate", "0 samples a second", file(fmtChunk(codePCM, 1, 0, 16), pcm)},
		{"short fmt", "fmt chunk of 3 bytes at byte 12", file(chunk("fmt ", []byte("abc")), pcm)},
		{"fmt cut off", "fmt chunk cut off", []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01")},
		{"zero bits", "PCM of 0 bits", file(fmtChunk(codePCM, 1, 8000, 0), pcm)},
		{"endless small chunks", "too many chunks", file(bytes.Repeat(chunk("junk", nil), 5000))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewReader(bytes.NewReader(tt.in))
			var format *FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewReader(%q) = %v, want a FormatError with %q", tt.name, err, tt.want)
			}
		})
	}
}

func TestRewind(t *testing.T) {
	r, err := NewReader(bytes.NewReader(file(fmtChunk(codePCM, 1, 8000, 16), chunk("data", []byte{0, 0x40, 0, 0xc0}))))
	if err != nil {
		t.Fatal(err)
	}
	first := drain(t, r)
	if err := r.Rewind(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, drain(t, r)); diff != "" {
		t.Errorf("after Rewind (-first +second):\n%s", diff)
	}
}

func TestReadNeedsRoomForAFrame(t *testing.T) {
	r, err := NewReader(bytes.NewReader(file(fmtChunk(codePCM, 2, 8000, 16), chunk("data", []byte{0, 0x40, 0, 0xc0}))))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]float32, 1)); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("Read(1 sample of stereo) = %d, %v, want 0, %v", n, err, io.ErrShortBuffer)
	}
}

// The file is copied as a kill would leave it, after every write.
func TestWriterIsValidAtEveryMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	w, err := Create(path, 8000, 2)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]float32, 2*80)
	for i := range frame {
		frame[i] = float32(i)/100 - 0.8
	}
	const perUpdate = 20 // 10 ms frames in 200 ms
	for n := range 100 {
		if n > 0 {
			if err := w.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		told := int(binary.LittleEndian.Uint32(data[40:])) / (2 * len(frame))
		if told > n || n-told > perUpdate {
			t.Fatalf("after %d frames the header tells of %d", n, told)
		}
		if got := int(binary.LittleEndian.Uint32(data[4:])) + 8; got > len(data) {
			t.Fatalf("after %d frames RIFF size is %d of %d", n, got, len(data))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := drain(t, r)
	if want := 99 * len(frame); len(got) != want {
		t.Fatalf("read %d samples, want %d", len(got), want)
	}
	for i, v := range got {
		if want := frame[i%len(frame)]; math.Abs(float64(v-want)) > 1.0/16384 {
			t.Fatalf("sample %d = %v, want %v", i, v, want)
		}
	}
}

func TestWriteClips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	w, err := Create(path, 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]float32{2, -2, float32(math.NaN()), float32(math.Inf(1))}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{0xff, 0x7f, 0x01, 0x80, 0, 0, 0xff, 0x7f}
	if diff := cmp.Diff(want, data[headerSize:]); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestWriterStopsBeforeItsSizeOverflows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	w, err := Create(path, 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.size = MaxSize - 3
	if err := w.Write([]float32{0}); err != nil {
		t.Errorf("Write below the bound: %v", err)
	}
	for range 2 {
		if err := w.Write([]float32{0}); !errors.Is(err, ErrTooLong) {
			t.Errorf("Write beyond the bound = %v, want %v", err, ErrTooLong)
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close of a full file: %v", err)
	}
}

func TestWriterKeepsItsFirstFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	w, err := Create(path, 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.closer.Close() // the disk goes away
	first := w.Write(make([]float32, 80))
	if !errors.Is(first, os.ErrClosed) {
		t.Fatalf("Write = %v, want %v", first, os.ErrClosed)
	}
	if err := w.Write(make([]float32, 80)); err != first {
		t.Errorf("second Write = %v, want the first failure", err)
	}
	if err := w.Close(); !errors.Is(err, first) {
		t.Errorf("Close = %v, want the first failure", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(fmtChunk(codePCM, 1, 8000, 16), chunk("data", []byte{1, 2, 3, 4})))
	f.Add(file(fmtChunk(codeFloat, 2, 48000, 32), chunk("LIST", []byte("abc")), chunk("data", make([]byte, 16))))
	f.Add(file(fmtChunk(codeExtensible, 3, 48000, 24), chunk("data", make([]byte, 18))))
	f.Add([]byte("RF64\xff\xff\xff\xffWAVEds64"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		buf := make([]float32, 64*r.Format().Channels)
		total := 0
		for {
			n, err := r.Read(buf)
			if err != nil {
				break
			}
			if n == 0 {
				t.Fatal("Read = 0 samples and no error")
			}
			for _, v := range buf[:n] {
				if !(v >= -1 && v <= 1) {
					t.Fatalf("sample %v is out of range", v)
				}
			}
			total += n
		}
		if want := r.Frames() * int64(r.Format().Channels); int64(total) != want {
			t.Errorf("read %d samples, Frames promised %d", total, want)
		}
	})
}
