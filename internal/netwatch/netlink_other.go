//go:build !linux

package netwatch

import (
	"context"
	"errors"
)

func listen(context.Context, func()) error { return errors.ErrUnsupported }
