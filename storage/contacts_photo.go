package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // formats of photos
	_ "image/png"
	"time"
)

// Bounds on a photo.
const (
	MaxPhoto     = 1 << 20 // bytes
	MaxPhotoSize = 4096    // pixels in each direction
)

// Photo returns the contact's photo, a PNG or JPEG file, or nil if it has none.
// It returns [ErrNoContact] for an unknown contact.
func (c *Contacts) Photo(ctx context.Context, id int64) ([]byte, error) {
	var data []byte
	err := c.reader.QueryRowContext(ctx, `SELECT contact_photos.data FROM contacts
		LEFT JOIN contact_photos ON contact = contacts.id WHERE contacts.id = ?`, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoContact
	}
	return data, c.fail("read photo", err)
}

// SetPhoto gives the contact a photo, or takes it away if data is empty. It
// returns a *ValueError if data is no PNG or JPEG file within the bounds.
func (c *Contacts) SetPhoto(ctx context.Context, id int64, data []byte) error {
	if _, err := PhotoType(data); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.inTx(ctx, func(tx *sql.Tx) error {
		_, err := insertPhoto(ctx, tx, id, data)
		return err
	})
	return c.fail("set photo", err)
}

// insertPhoto stores a contact's photo and returns its media type.
func insertPhoto(ctx context.Context, tx *sql.Tx, id int64, data []byte) (string, error) {
	kind, err := PhotoType(data)
	if err != nil {
		return "", err
	}
	r, err := tx.ExecContext(ctx, "UPDATE contacts SET photo = ?, updated = ? WHERE id = ?", kind, millis(time.Now()), id)
	if err := oneRow(r, err, ErrNoContact); err != nil {
		return "", err
	}
	if len(data) == 0 {
		_, err = tx.ExecContext(ctx, "DELETE FROM contact_photos WHERE contact = ?", id)
	} else {
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO contact_photos (contact, data) VALUES (?, ?)", id, data)
	}
	return kind, err
}

// PhotoType checks a photo and returns its media type, "" for none at all.
func PhotoType(data []byte) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	refuse := func(what string) (string, error) {
		return "", &ValueError{
			Key: "photo", Value: what,
			Want: fmt.Sprintf("a PNG or JPEG file of at most %d KiB and %d pixels across", MaxPhoto>>10, MaxPhotoSize),
		}
	}
	if len(data) > MaxPhoto {
		return refuse(fmt.Sprintf("%d KiB", len(data)>>10))
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil || format != "png" && format != "jpeg":
		return refuse("another format")
	case config.Width > MaxPhotoSize || config.Height > MaxPhotoSize || config.Width < 1 || config.Height < 1:
		return refuse(fmt.Sprintf("%dx%d", config.Width, config.Height))
	}
	return "image/" + format, nil
}
