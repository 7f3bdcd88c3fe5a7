package scripting

import (
	"context"
	"io"
	"os"

	"parley/middleware"
	"parley/scripting/protocol"
)

// maxPhotoRead is a little more than the largest photo that a contact may have,
// so that a larger one is refused and not cut.
const maxPhotoRead = 2 << 20

// setPhoto gives a contact the photo in a file, or takes it away where no path
// is given.
func (s *Server) setPhoto(ctx context.Context, id string, p middleware.Contact, text string) (string, error) {
	var data []byte
	if text != "" {
		path, _, err := filePath(text, false)
		if err != nil {
			return "", err
		}
		if data, err = readPhoto(path); err != nil {
			return "", protocol.Errorf(protocol.BadValue, "%s", plain(err))
		}
	}
	if err := s.app.Contacts().SetPhoto(ctx, p.ID, data); err != nil {
		return "", contactError(err)
	}
	p, err := s.app.Contacts().Get(ctx, p.ID)
	return join("CONTACT", id, "PHOTO", p.Photo), contactError(err)
}

func readPhoto(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, &os.PathError{Op: "read", Path: path, Err: os.ErrInvalid}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxPhotoRead))
}
