package viewmodel

import (
	"errors"
	"fmt"
	"strings"

	"parley/gui/i18n"
	"parley/middleware"
)

// Explain says in one sentence why something failed; it returns an empty string
// for NoFailure.
func Explain(f middleware.Failure) string {
	switch f.Kind {
	case middleware.NoFailure:
		return ""
	case middleware.BadPassword:
		if f.Account == "" {
			return i18n.T("The server refused the password.")
		}
		return i18n.T("The server refused the password for %s.", f.Account)
	case middleware.Forbidden:
		return i18n.T("The server does not allow this.")
	case middleware.NoKeyring:
		return i18n.T("The password store of this computer cannot be used.")
	case middleware.NoMedia:
		return i18n.T("No sound connection could be opened on this computer.")
	case middleware.Unsupported:
		return i18n.T("The server demands something that Parley does not offer.")
	}
	if text := explainPeople(f); text != "" {
		return text
	}
	if text := explainNetwork(f); text != "" {
		return text
	}
	return explainOther(f)
}

// explainPeople covers what people, or their phones, decided.
func explainPeople(f middleware.Failure) string {
	switch f.Kind {
	case middleware.Declined:
		return i18n.T("The call was declined.")
	case middleware.Busy:
		return i18n.T("The line is busy.")
	case middleware.NoAnswer:
		if f.Code == 480 {
			return i18n.T("Nobody can be reached there at the moment.")
		}
		return i18n.T("Nobody answered.")
	case middleware.NotFound:
		return i18n.T("This number or address does not exist.")
	case middleware.NoCommonCodec:
		return i18n.T("The two phones have no way of coding sound in common.")
	case middleware.NeedsEncryption:
		return i18n.T("One side insists on encryption and the other does not offer it.")
	case middleware.Canceled:
		return i18n.T("The call was canceled.")
	case middleware.Elsewhere:
		return i18n.T("The call was answered on another phone.")
	case middleware.LostPeer:
		return i18n.T("The connection to the other side was lost.")
	case middleware.Expired:
		return i18n.T("The other side gave no more sign of life, so the call was ended.")
	case middleware.Moved:
		if f.Detail == "" {
			return i18n.T("This number or address has moved.")
		}
		return i18n.T("This number or address has moved to %s.", f.Detail)
	case middleware.Forwarded:
		if f.Detail == "" {
			return i18n.T("The call was forwarded.")
		}
		return i18n.T("The call was forwarded to %s.", f.Detail)
	case middleware.Blocked:
		return i18n.T("The call was turned away by your rules.")
	case middleware.KeyChanged:
		return i18n.T("Someone else answered: the key is not the one that is remembered. There was no call.")
	}
	return ""
}

// explainNetwork covers what lies between the phones.
func explainNetwork(f middleware.Failure) string {
	switch f.Kind {
	case middleware.ServerTimeout:
		if f.Host == "" {
			return i18n.T("The server did not answer in time.")
		}
		return i18n.T("%s did not answer in time.", f.Host)
	case middleware.ServerTrouble:
		if f.Host == "" {
			return i18n.T("The server is in trouble or overloaded.")
		}
		return i18n.T("%s is in trouble or overloaded.", f.Host)
	case middleware.HostNotFound:
		if f.Host == "" {
			return i18n.T("The server's name does not exist.")
		}
		return i18n.T("There is no server named %s.", f.Host)
	case middleware.Unreachable:
		if f.Host == "" {
			return i18n.T("The server cannot be reached.")
		}
		return i18n.T("%s cannot be reached.", f.Host)
	case middleware.BadCertificate:
		return explainCertificate(f)
	}
	return ""
}

// explainCertificate says which check failed and whose certificate it was.
func explainCertificate(f middleware.Failure) string {
	c := f.Certificate
	if c == nil {
		return i18n.T("The certificate of %s could not be verified.", hostOr(f.Host))
	}
	switch c.Check {
	case "expired":
		return i18n.T("The certificate of %s expired on %s.", hostOr(f.Host), c.NotAfter.Format("2006-01-02"))
	case "name":
		return i18n.T("%s shows a certificate that belongs to somebody else: %s.", hostOr(f.Host), c.Subject)
	case "authority":
		return i18n.T("The certificate of %s was issued by somebody this computer does not trust: %s.", hostOr(f.Host), c.Issuer)
	}
	return i18n.T("The certificate of %s, issued to %s, could not be verified.", hostOr(f.Host), c.Subject)
}

func hostOr(host string) string {
	if host == "" {
		return i18n.T("the server")
	}
	return host
}

func explainOther(f middleware.Failure) string {
	switch {
	case f.Code != 0 && f.Reason != "":
		return i18n.T("The call was refused: %s (%d).", f.Reason, f.Code)
	case f.Code != 0:
		return i18n.T("The call was refused (%d).", f.Code)
	}
	return i18n.T("It did not work.")
}

// ExplainEnd says why a session ended, if that was not a person's own doing.
func ExplainEnd(s middleware.SessionSnapshot) string {
	if text := explainNeighbourEnd(s); text != "" {
		return text
	}
	if text := Explain(s.End.Failure); text != "" {
		return text
	}
	if s.End.By == middleware.Remote {
		return i18n.T("The other side hung up.")
	}
	return i18n.T("You hung up.")
}

// Facts returns the technical side of a failure, for "details": nothing in it is
// translated, so that it can be searched for.
func Facts(f middleware.Failure) string {
	text := f.Detail
	if f.Code != 0 {
		text = fmt.Sprintf("SIP %d %s  %s", f.Code, f.Reason, text)
	}
	if c := f.Certificate; c != nil {
		text += fmt.Sprintf("  subject=%q issuer=%q sha256=%s", c.Subject, c.Issuer, c.Fingerprint)
	}
	return text
}

// ExplainError says in a sentence what a command's error means.
func ExplainError(err error) string {
	for _, explain := range []func(error) string{explainContacts, explainCommand} {
		if text := explain(err); text != "" {
			return text
		}
	}
	var value *middleware.ValueError
	var neighbour *middleware.NeighbourError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, middleware.ErrNoAccount):
		return i18n.T("A number or name alone needs an account. Add one, or dial a full address.")
	case errors.As(err, &neighbour):
		return sentence(ExplainNeighbour(neighbour.Neighbour))
	case errors.Is(err, middleware.ErrNoNeighbour):
		return i18n.T("Nobody of that name is on this network now.")
	case errors.Is(err, middleware.ErrManyNeighbours):
		return i18n.T("Several people on this network are called so. Choose one of the list.")
	case errors.Is(err, middleware.ErrNoTarget):
		return i18n.T("That is neither a number nor an address.")
	case errors.As(err, &value):
		return explainValue(value)
	case errors.Is(err, middleware.ErrAccountExists):
		return i18n.T("There is an account with this address already.")
	case errors.Is(err, middleware.ErrNoSuchAccount):
		return i18n.T("This account no longer exists.")
	case errors.Is(err, middleware.ErrAccountInactive):
		return i18n.T("This account is switched off.")
	case errors.Is(err, middleware.ErrAddress):
		return i18n.T("That is no SIP address. One looks like alice@example.org.")
	case errors.Is(err, middleware.ErrStopping):
		return i18n.T("Parley is just quitting.")
	case errors.Is(err, middleware.ErrForwardLoop):
		return i18n.T("The call would come back from there.")
	case errors.Is(err, middleware.ErrForwardTarget):
		return i18n.T("Calls cannot be forwarded there.")
	case errors.Is(err, middleware.ErrNoFeatureCode):
		return i18n.T("The account has no code for that. It belongs to the account's settings.")
	case errors.Is(err, middleware.ErrNoStream):
		return i18n.T("The call has no sound yet.")
	}
	return i18n.T("That did not work: %s", withoutPackage(err.Error()))
}

// withoutPackage drops the package's name that our errors begin with.
func withoutPackage(text string) string {
	for _, name := range []string{"middleware: ", "storage: ", "media: ", "sip: "} {
		if rest, ok := strings.CutPrefix(text, name); ok {
			return withoutPackage(rest)
		}
	}
	return text
}
