package middleware

import (
	"context"
	"errors"
	"net"

	"parley/middleware/registration"
	"parley/sip"
	"parley/sip/sdp"
	"parley/storage"
)

// failureOf sorts err. The account and host are added where they are known.
func failureOf(err error) Failure {
	if err == nil {
		return Failure{}
	}
	f := Failure{Kind: OtherFailure, Detail: err.Error()}
	var (
		status *sip.StatusError
		cert   *sip.CertificateError
		trans  *sip.TransportError
		lookup *sip.ResolveError
		netErr net.Error
	)
	if errors.As(err, &trans) {
		f.Host = trans.Route.Addr.String()
	}
	switch {
	case errors.As(err, new(*keyError)):
		f.Kind, f.Detail = KeyChanged, ""
	case errors.Is(err, errNoMedia):
		f.Kind = NoMedia
	case errors.Is(err, storage.ErrSecretsUnavailable):
		f.Kind = NoKeyring
	case errors.As(err, &status):
		f.Code, f.Reason = status.Code, sip.CleanText(status.Reason, 200)
		f.Kind = kindOfStatus(status.Code)
		if f.Kind == Moved {
			f.Detail = ""
			if len(status.Contacts) > 0 {
				f.Detail = peerOf(status.Contacts[0]).Address
			}
		}
	case errors.As(err, &cert):
		f.Kind, f.Host = BadCertificate, cert.Host
		f.Certificate = &Certificate{
			Check: cert.Check, Subject: sip.CleanText(cert.Subject, 200), Issuer: sip.CleanText(cert.Issuer, 200),
			NotAfter: cert.NotAfter, Fingerprint: cert.Fingerprint,
		}
	case errors.Is(err, sip.ErrBadCredentials):
		f.Kind, f.Code = BadPassword, 401
	case errors.Is(err, sip.ErrUnsupportedAuth):
		f.Kind, f.Code = Unsupported, 401
	case errors.As(err, &lookup):
		f.Kind, f.Host = Unreachable, lookup.Host
		if lookup.IsNotFound() {
			f.Kind = HostNotFound
		}
	case errors.Is(err, sip.ErrSessionExpired):
		f.Kind, f.Code = Expired, 408
	case errors.Is(err, sip.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Code = ServerTimeout, 408
	case trans != nil, errors.Is(err, sip.ErrNoRoute), errors.Is(err, sip.ErrNoLocalAddress), errors.As(err, &netErr):
		f.Kind = Unreachable
	case errors.Is(err, sdp.ErrNoCommonCodec), errors.Is(err, sdp.ErrNoAudio):
		f.Kind, f.Code = NoCommonCodec, 488
	case errors.Is(err, sdp.ErrSecurityRequired):
		f.Kind, f.Code = NeedsEncryption, 488
	}
	return f
}

func kindOfStatus(code int) FailureKind {
	switch code {
	case 401, 407:
		return BadPassword
	case 403:
		return Forbidden
	case 404, 410, 484, 485, 604:
		return NotFound
	case 408, 504:
		return ServerTimeout
	case 480:
		return NoAnswer
	case 486, 600:
		return Busy
	case 415, 488, 606:
		return NoCommonCodec
	case 420, 421, 494:
		return Unsupported
	case 487:
		return Canceled
	case 603:
		return Declined
	}
	if code >= 300 && code < 400 {
		return Moved
	}
	if code >= 500 && code < 600 {
		return ServerTrouble
	}
	return OtherFailure
}

// retryKind says how the registration goes on after f.
func (f Failure) retryKind() registration.Failure {
	switch f.Kind {
	case BadPassword, Forbidden, NotFound, NoKeyring:
		return registration.Refused
	case BadCertificate:
		return registration.Untrusted
	case Unsupported:
		return registration.Unsupported
	}
	return registration.Temporary
}
