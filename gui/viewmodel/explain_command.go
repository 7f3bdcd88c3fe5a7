package viewmodel

import (
	"errors"

	"parley/gui/i18n"
	"parley/middleware"
	"parley/middleware/session"
)

// explainCommand covers commands that do not fit how a call stands.
func explainCommand(err error) string {
	var refused *session.InputError
	switch {
	case errors.Is(err, middleware.ErrTransferring):
		return i18n.T("The call is being transferred already.")
	case errors.Is(err, middleware.ErrOtherCall):
		return i18n.T("A call can only be connected with another one that is up.")
	case errors.Is(err, middleware.ErrNoTransfer):
		return i18n.T("Nobody wants the call transferred any more.")
	case errors.Is(err, middleware.ErrNotJoinable):
		return i18n.T("This call cannot be in a conference now: it must be up and have sound.")
	case errors.Is(err, middleware.ErrNoConference), errors.Is(err, middleware.ErrNotMember):
		return i18n.T("The conference is over, or the call is no longer part of it.")
	case errors.Is(err, middleware.ErrHasAudio):
		return i18n.T("The call has sound already.")
	case errors.Is(err, middleware.ErrSessionOver):
		return i18n.T("The call is over.")
	case errors.As(err, &refused) && refused.Why == nil:
		return i18n.T("The call does not allow that at the moment.")
	}
	return ""
}
