package main

import (
	"errors"
	"fmt"

	"parley/scripting"
	"parley/storage"
)

// explain puts an error into a sentence that says what to do, where that is
// known.
func explain(err error) string {
	var inUse *storage.InUseError
	switch {
	case errors.Is(err, scripting.ErrNotRunning):
		return "no Parley with this profile is running; start it with 'phone' or 'phone --headless'"
	case errors.Is(err, scripting.ErrDenied):
		return "the person at Parley has not allowed this program; see Preferences, Automation"
	case errors.As(err, &inUse):
		return fmt.Sprintf("%v; end that Parley first, or use another --profile", inUse)
	case errors.Is(err, storage.ErrSecretsUnavailable):
		return fmt.Sprintf("%v; unlock the keyring, or keep passwords in the profile with --secrets file", err)
	}
	return err.Error()
}
