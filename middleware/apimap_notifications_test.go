package middleware_test

import "strings"

// notificationSymbol returns the Go type of a notification of either revision.
func notificationSymbol(name string) string {
	switch name {
	case "SCGotHoldRequest", "SIPGotHoldRequest": // so in the text only
		return "SIPSessionGotHoldRequest"
	case "SCGotUnholdRequest", "SIPGotUnholdRequest":
		return "SIPSessionGotUnholdRequest"
	case "SCEngineDidEnd", "SIPEngineDidEnd": // the engine is the application's
		return "SIPApplicationDidEnd"
	}
	if rest, ok := strings.CutPrefix(name, "SCRegistration"); ok {
		return "SIPAccountRegistration" + rest
	}
	if rest, ok := strings.CutPrefix(name, "SC"); ok {
		return "SIP" + rest
	}
	return name
}

// notificationTests says which test proves a notification, by its Go type.
var notificationTests = map[string]string{
	"CFGSettingsObjectDidChange": "TestSettingsObjects",
	"SIPApplicationDidEnd":       "TestApplicationOrder",

	"SIPAccountDidActivate":                    "TestAccountManagerNotificationsSayAll",
	"SIPAccountDidDeactivate":                  "TestAccountManagerNotificationsSayAll",
	"SIPAccountManagerDidAddAccount":           "TestAccountManagerNotificationsSayAll",
	"SIPAccountManagerDidRemoveAccount":        "TestAccountManagerNotificationsSayAll",
	"SIPAccountManagerDidChangeDefaultAccount": "TestAccountManagerNotificationsSayAll",
	"SIPAccountRegistrationDidSucceed":         "TestRegistrationNotificationsSayAll",
	"SIPAccountRegistrationDidFail":            "TestRegistrationNotificationsSayAll",
	"SIPAccountRegistrationWillEnd":            "TestRegistrationNotificationsSayAll",
	"SIPAccountRegistrationDidEnd":             "TestRegistrationNotificationsSayAll",

	"SIPSessionChangedState":      "TestNineStates",
	"SIPSessionNewIncoming":       "TestCallNotificationsSayAll",
	"SIPSessionNewOutgoing":       "TestCallNotificationsSayAll",
	"SIPSessionGotRingIndication": "TestCallNotificationsSayAll",
	"SIPSessionWillStart":         "TestCallNotificationsSayAll",
	"SIPSessionDidStart":          "TestCallNotificationsSayAll",
	"SIPSessionDidFail":           "TestFailureNotificationsSayAll",
	"SIPSessionWillEnd":           "TestCallNotificationsSayAll",
	"SIPSessionDidEnd":            "TestCallNotificationsSayAll",
	"SIPSessionGotHoldRequest":    "TestCallNotificationsSayAll",
	"SIPSessionGotUnholdRequest":  "TestCallNotificationsSayAll",
	"SIPSessionGotStreamUpdate":   "TestCallNotificationsSayAll",
	"SIPSessionGotDTMF":           "TestCallNotificationsSayAll",
	"SIPSessionGotNoAudio":        "TestNoAudioIsTold",

	"SIPSessionGotStreamProposal":       "TestProposalNotificationsSayAll",
	"SIPSessionAcceptedStreamProposal":  "TestProposalNotificationsSayAll",
	"SIPSessionRejectedStreamProposal":  "TestProposalNotificationsSayAll",
	"SIPSessionWillStartRecordingAudio": "TestRecordingNotificationsSayAll",
	"SIPSessionDidStartRecordingAudio":  "TestRecordingNotificationsSayAll",
	"SIPSessionWillStopRecordingAudio":  "TestRecordingNotificationsSayAll",
	"SIPSessionDidStopRecordingAudio":   "TestRecordingNotificationsSayAll",

	"SIPSessionGotMessage":              "TestNotSupported",
	"SIPSessionDidDeliverMessage":       "TestNotSupported",
	"SIPSessionDidNotDeliverMessage":    "TestNotSupported",
	"SIPSubscriptionDidSucceed":         "TestNotSupported",
	"SIPSubscriptionDidFail":            "TestNotSupported",
	"SIPSubscriptionWillEnd":            "TestNotSupported",
	"SIPSubscriptionDidEnd":             "TestNotSupported",
	"SIPSubscriptionGotNotify":          "TestNotSupported",
	"SIPPublicationDidSucceed":          "TestNotSupported",
	"SIPPublicationDidFail":             "TestNotSupported",
	"SIPPublicationWillEnd":             "TestNotSupported",
	"SIPPublicationDidEnd":              "TestNotSupported",
	"MSRPChatDidInitialize":             "TestNotSupported",
	"MSRPChatDidStart":                  "TestNotSupported",
	"MSRPChatDidFail":                   "TestNotSupported",
	"MSRPChatWillEnd":                   "TestNotSupported",
	"MSRPChatDidEnd":                    "TestNotSupported",
	"MSRPChatGotMessage":                "TestNotSupported",
	"MSRPChatDidDeliverMessage":         "TestNotSupported",
	"MSRPChatDidNotDeliverMessage":      "TestNotSupported",
	"MSRPFileTransferDidInitialize":     "TestNotSupported",
	"MSRPFileTransferDidStart":          "TestNotSupported",
	"MSRPFileTransferDidFail":           "TestNotSupported",
	"MSRPFileTransferGotFile":           "TestNotSupported",
	"MSRPFileTransferDidDeliverFile":    "TestNotSupported",
	"MSRPFileTransferDidNotDeliverFile": "TestNotSupported",
	"MSRPFileTransferWillEnd":           "TestNotSupported",
	"MSRPFileTransferDidEnd":            "TestNotSupported",
}

// payloadFields says what a field of a notification is called in Go, by its name,
// or by that of the notification too where that makes a difference.
var payloadFields = map[string]string{
	"timestamp":  "At",
	"prev_state": "PrevState",
	"state":      "State",
	"streams":    "Streams",
	"originator": "Originator",
	"proposer":   "Proposer",
	"reason":     "Reason",
	"code":       "Code",
	"digit":      "Digit",
	"file_name":  "FileName",

	"SCSessionNewIncoming.has_audio":        "Streams",
	"SCSessionNewIncoming.has_chat":         "Streams",
	"SCSessionGotStreamProposal.adds_audio": "Streams",
	"SCSessionGotStreamProposal.adds_chat":  "Streams",

	"SCSessionDidFail.code":                "Failure.Code",
	"SCSessionDidFail.reason":              "Failure.Reason",
	"SIPSessionDidFail.code":               "Failure.Code",
	"SIPSessionDidFail.reason":             "Failure.Reason",
	"SIPAccountRegistrationDidFail.code":   "Failure.Code",
	"SIPAccountRegistrationDidFail.reason": "Failure.Reason",

	"content":      "Content",
	"content_type": "ContentType",
	"cpim_headers": "CPIMHeaders",
	"message":      "Message",
	"message_id":   "MessageID",

	"account":          "Account",
	"old_account":      "OldAccount",
	"contact_uri":      "ContactURI",
	"contact_uri_list": "ContactURIList",
	"expires":          "Expires",
	"registration":     "Now.Registration",
	"next_route":       "NextRoute",
	"delay":            "Delay",
}
