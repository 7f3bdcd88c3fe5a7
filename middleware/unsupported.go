package middleware

import (
	"fmt"

	"parley/middleware/bus"
)

// What is here has its place in the API and nothing behind it in this version:
// chat and files over MSRP, publications, and subscriptions. What would begin
// any of it returns [ErrNotSupported], and none of the notifications is posted.

// MSRPChat would be the transport of a chat. There is none in this version.
type MSRPChat struct{}

// MSRPFileTransfer would be the transport of a file. There is none in this
// version.
type MSRPFileTransfer struct{}

// HasChat reports whether the session has an active chat stream: it has not.
func (s *Session) HasChat() bool { return false }

// ChatTransport would return the chat stream. It returns [ErrNotSupported].
func (s *Session) ChatTransport() (*MSRPChat, error) {
	return nil, fmt.Errorf("%w: MSRP", ErrNotSupported)
}

// SendFile would send a file to the peer. It returns [ErrNotSupported].
func (s *Session) SendFile(string) (*MSRPFileTransfer, error) {
	return nil, fmt.Errorf("%w: MSRP", ErrNotSupported)
}

// Subscribe would subscribe to an event package (RFC 6665) for the account. It
// returns [ErrNotSupported].
func (a *Account) Subscribe(event string) error {
	return fmt.Errorf("%w: subscription to %q", ErrNotSupported, event)
}

// Publish would publish the state of an event package (RFC 3903) for the
// account. It returns [ErrNotSupported].
func (a *Account) Publish(event string) error {
	return fmt.Errorf("%w: publication of %q", ErrNotSupported, event)
}

// A ChatMessage is a message of a chat stream.
type ChatMessage struct {
	Content     []byte
	ContentType string
	CPIMHeaders map[string]string // of the CPIM wrapper (RFC 3862)
	Message     []byte            // all of it, as received
}

// A ChatReport says what became of a message.
type ChatReport struct {
	MessageID string
	Code      int
	Reason    string
	Message   []byte // the report, as received
}

// An AboutEvent is the common part of the notifications of a subscription or
// publication.
type AboutEvent struct {
	AboutAccount
	Event  string // the event package
	Code   int
	Reason string
}

// An AboutMSRP is the common part of the notifications of an MSRP transport.
type AboutMSRP struct {
	bus.Note
	Session SessionID
	Reason  string
}

// The notifications of what is not supported in this version; none is posted.
type (
	// SIPSessionGotMessage would tell of a message on the chat stream.
	SIPSessionGotMessage struct {
		About
		ChatMessage
	}

	// SIPSessionDidDeliverMessage would tell that a message arrived.
	SIPSessionDidDeliverMessage struct {
		About
		ChatReport
	}

	// SIPSessionDidNotDeliverMessage would tell that a message did not arrive.
	SIPSessionDidNotDeliverMessage struct {
		About
		ChatReport
	}

	// SIPSubscriptionDidSucceed would tell that a SUBSCRIBE was accepted.
	SIPSubscriptionDidSucceed struct{ AboutEvent }

	// SIPSubscriptionDidFail would tell that a SUBSCRIBE was not accepted.
	SIPSubscriptionDidFail struct{ AboutEvent }

	// SIPSubscriptionWillEnd would tell that a subscription is being ended.
	SIPSubscriptionWillEnd struct{ AboutEvent }

	// SIPSubscriptionDidEnd would tell that a subscription was ended.
	SIPSubscriptionDidEnd struct{ AboutEvent }

	// SIPSubscriptionGotNotify would tell of a NOTIFY.
	SIPSubscriptionGotNotify struct {
		AboutEvent
		ContentType string
		Content     []byte
	}

	// SIPPublicationDidSucceed would tell that a PUBLISH was accepted.
	SIPPublicationDidSucceed struct{ AboutEvent }

	// SIPPublicationDidFail would tell that a PUBLISH was not accepted.
	SIPPublicationDidFail struct{ AboutEvent }

	// SIPPublicationWillEnd would tell that a publication is being ended.
	SIPPublicationWillEnd struct{ AboutEvent }

	// SIPPublicationDidEnd would tell that a publication was ended.
	SIPPublicationDidEnd struct{ AboutEvent }

	// MSRPChatDidInitialize would tell that a chat transport is ready.
	MSRPChatDidInitialize struct{ AboutMSRP }

	// MSRPChatDidStart would tell that a chat transport is connected.
	MSRPChatDidStart struct{ AboutMSRP }

	// MSRPChatDidFail would tell that a chat transport failed.
	MSRPChatDidFail struct{ AboutMSRP }

	// MSRPChatWillEnd would tell that a chat transport is being closed.
	MSRPChatWillEnd struct{ AboutMSRP }

	// MSRPChatDidEnd would tell that a chat transport was closed.
	MSRPChatDidEnd struct{ AboutMSRP }

	// MSRPChatGotMessage would tell of a message.
	MSRPChatGotMessage struct {
		AboutMSRP
		ChatMessage
	}

	// MSRPChatDidDeliverMessage would tell that a message arrived.
	MSRPChatDidDeliverMessage struct {
		AboutMSRP
		ChatReport
	}

	// MSRPChatDidNotDeliverMessage would tell that a message did not arrive.
	MSRPChatDidNotDeliverMessage struct {
		AboutMSRP
		ChatReport
	}

	// MSRPFileTransferDidInitialize would tell that a transfer is ready.
	MSRPFileTransferDidInitialize struct{ AboutMSRP }

	// MSRPFileTransferDidStart would tell that a transfer has begun.
	MSRPFileTransferDidStart struct{ AboutMSRP }

	// MSRPFileTransferDidFail would tell that a transfer failed.
	MSRPFileTransferDidFail struct{ AboutMSRP }

	// MSRPFileTransferGotFile would tell that a file came.
	MSRPFileTransferGotFile struct {
		AboutMSRP
		FileName string
	}

	// MSRPFileTransferDidDeliverFile would tell that a file arrived.
	MSRPFileTransferDidDeliverFile struct {
		AboutMSRP
		FileName string
	}

	// MSRPFileTransferDidNotDeliverFile would tell that a file did not arrive.
	MSRPFileTransferDidNotDeliverFile struct {
		AboutMSRP
		FileName string
	}

	// MSRPFileTransferWillEnd would tell that a transfer is being ended.
	MSRPFileTransferWillEnd struct{ AboutMSRP }

	// MSRPFileTransferDidEnd would tell that a transfer was ended.
	MSRPFileTransferDidEnd struct{ AboutMSRP }
)
