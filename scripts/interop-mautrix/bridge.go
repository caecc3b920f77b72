// A bridge to a network that consists of echoes, made of mautrix-go as the bridges in use are: what somebody says in the
// one chat that each login has comes back from a ghost, together with everything else that happens in chats.
package main

import (
	"context"
	"fmt"
	"time"

	"go.mau.fi/util/configupgrade"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
)

const (
	echoer  = networkid.UserID("echoer")
	watcher = networkid.UserID("watcher")
)

// network is what the bridge bridges to.
type network struct{}

func (network) Init(*bridgev2.Bridge)              {}
func (network) Start(context.Context) error        { return nil }
func (network) GetDBMetaTypes() database.MetaTypes { return database.MetaTypes{} }
func (network) GetBridgeInfoVersion() (int, int)   { return 1, 1 }
func (network) GetConfig() (string, any, configupgrade.Upgrader) {
	return "", nil, configupgrade.NoopUpgrader
}
func (network) GetName() bridgev2.BridgeName {
	return bridgev2.BridgeName{DisplayName: "Echo", NetworkURL: "https://echo.example", NetworkID: "echo", BeeperBridgeType: "echo"}
}
func (network) GetCapabilities() *bridgev2.NetworkGeneralCapabilities {
	return &bridgev2.NetworkGeneralCapabilities{}
}
func (network) LoadUserLogin(_ context.Context, login *bridgev2.UserLogin) error {
	login.Client = &session{login}
	return nil
}
func (network) GetLoginFlows() []bridgev2.LoginFlow {
	return []bridgev2.LoginFlow{{ID: "name", Name: "Name", Description: "Say your name"}}
}
func (network) CreateLogin(_ context.Context, user *bridgev2.User, _ string) (bridgev2.LoginProcess, error) {
	return &login{user}, nil
}

// login lets in everybody who says a name.
type login struct{ user *bridgev2.User }

func (*login) Cancel() {}
func (*login) Start(context.Context) (*bridgev2.LoginStep, error) {
	name := bridgev2.LoginInputDataField{Type: bridgev2.LoginInputFieldTypeUsername, ID: "name", Name: "Name"}
	return &bridgev2.LoginStep{
		Type:            bridgev2.LoginStepTypeUserInput,
		StepID:          "name",
		UserInputParams: &bridgev2.LoginUserInputParams{Fields: []bridgev2.LoginInputDataField{name}},
	}, nil
}
func (l *login) SubmitUserInput(ctx context.Context, input map[string]string) (*bridgev2.LoginStep, error) {
	name := input["name"]
	made, err := l.user.NewLogin(ctx, &database.UserLogin{ID: networkid.UserLoginID(name), RemoteName: name}, nil)
	if err != nil {
		return nil, err
	}
	go made.Client.Connect(context.Background())
	return &bridgev2.LoginStep{
		Type:           bridgev2.LoginStepTypeComplete,
		StepID:         "done",
		Instructions:   "Hello " + name,
		CompleteParams: &bridgev2.LoginCompleteParams{UserLoginID: made.ID, UserLogin: made},
	}, nil
}

// session is somebody who is logged in.
type session struct{ login *bridgev2.UserLogin }

func (*session) Disconnect()                  {}
func (*session) IsLoggedIn() bool             { return true }
func (*session) LogoutRemote(context.Context) {}
func (s *session) me() networkid.UserID       { return networkid.UserID(s.login.ID) }
func (s *session) IsThisUser(_ context.Context, user networkid.UserID) bool {
	return user == s.me()
}
func (s *session) Connect(context.Context) {
	chat := networkid.PortalKey{ID: "chat", Receiver: s.login.ID}
	s.login.QueueRemoteEvent(&simplevent.ChatResync{
		EventMeta:       simplevent.EventMeta{Type: bridgev2.RemoteEventChatResync, PortalKey: chat, CreatePortal: true},
		GetChatInfoFunc: s.GetChatInfo,
		LatestMessageTS: time.Now(),
	})
}

func (s *session) GetChatInfo(context.Context, *bridgev2.Portal) (*bridgev2.ChatInfo, error) {
	members := bridgev2.ChatMemberMap{}
	for _, user := range []networkid.UserID{s.me(), echoer, watcher} {
		members[user] = bridgev2.ChatMember{EventSender: s.sender(user), Membership: event.MembershipJoin}
	}
	return &bridgev2.ChatInfo{
		Name:        ptr.Ptr("Echoes"),
		CanBackfill: true,
		Members:     &bridgev2.ChatMemberList{IsFull: true, MemberMap: members},
		UserLocal:   &bridgev2.UserLocalPortalInfo{Tag: ptr.Ptr(event.RoomTagFavourite)},
	}, nil
}
func (*session) GetUserInfo(_ context.Context, ghost *bridgev2.Ghost) (*bridgev2.UserInfo, error) {
	picture := func(context.Context) ([]byte, error) {
		return []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), nil
	}
	avatar := &bridgev2.Avatar{ID: "one", Get: picture}
	return &bridgev2.UserInfo{Name: ptr.Ptr("Ghost " + string(ghost.ID)), Avatar: avatar}, nil
}
func (*session) GetCapabilities(context.Context, *bridgev2.Portal) *event.RoomFeatures {
	full := event.CapLevelFullySupported
	return &event.RoomFeatures{ID: "echo", Reply: full, Edit: full, Delete: full, Reaction: full, ReadReceipts: true}
}

// What was said before anybody was there, with its times.
func (s *session) FetchMessages(_ context.Context, wanted bridgev2.FetchMessagesParams) (*bridgev2.FetchMessagesResponse, error) {
	found := &bridgev2.FetchMessagesResponse{Forward: true}
	if wanted.AnchorMessage == nil {
		found.Messages = []*bridgev2.BackfillMessage{{
			ID: "old", Sender: s.sender(echoer), Timestamp: time.UnixMilli(1_000_000_000_000), ConvertedMessage: text("long ago"),
		}}
	}
	return found, nil
}

func (s *session) HandleMatrixMessage(_ context.Context, said *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	id := networkid.MessageID(said.Event.ID)
	go s.echo(said.Portal.PortalKey, id, said.Content.Body)
	return &bridgev2.MatrixMessageResponse{DB: &database.Message{ID: id, SenderID: s.me(), Timestamp: time.Now()}}, nil
}

// Everything that follows a message: it is read and reacted to, somebody types, it comes back, also from the phone of whoever
// said it, is edited, and something is said that is taken back.
func (s *session) echo(chat networkid.PortalKey, said networkid.MessageID, body string) {
	// It is known as bridged only when its handler has returned.
	time.Sleep(500 * time.Millisecond)
	meta := func(kind bridgev2.RemoteEventType, sender networkid.UserID) simplevent.EventMeta {
		return simplevent.EventMeta{Type: kind, PortalKey: chat, Sender: s.sender(sender), Timestamp: time.Now()}
	}
	say := func(sender networkid.UserID, id networkid.MessageID, body string) {
		s.login.QueueRemoteEvent(&simplevent.PreConvertedMessage{
			EventMeta: meta(bridgev2.RemoteEventMessage, sender), ID: id, Data: text(body),
		})
	}
	back := "back-" + said
	s.login.QueueRemoteEvent(&simplevent.Receipt{EventMeta: meta(bridgev2.RemoteEventReadReceipt, watcher), LastTarget: said})
	s.login.QueueRemoteEvent(&simplevent.Typing{EventMeta: meta(bridgev2.RemoteEventTyping, echoer), Timeout: 2 * time.Second})
	s.login.QueueRemoteEvent(&simplevent.Reaction{EventMeta: meta(bridgev2.RemoteEventReaction, watcher), TargetMessage: said, Emoji: "🍵"})
	say(echoer, back, fmt.Sprintf("echo of %q", body))
	say(s.me(), "phone-"+said, fmt.Sprintf("phone of %q", body))
	s.login.QueueRemoteEvent(&simplevent.Message[string]{
		EventMeta:     meta(bridgev2.RemoteEventEdit, echoer),
		ID:            "edit-" + said,
		TargetMessage: back,
		ConvertEditFunc: func(_ context.Context, _ *bridgev2.Portal, _ bridgev2.MatrixAPI, before []*database.Message, _ string) (*bridgev2.ConvertedEdit, error) {
			part := text("edited").Parts[0]
			edited := &bridgev2.ConvertedEditPart{Part: before[0], Type: part.Type, Content: part.Content}
			return &bridgev2.ConvertedEdit{ModifiedParts: []*bridgev2.ConvertedEditPart{edited}}, nil
		},
	})
	say(watcher, "slip-"+said, "a slip")
	s.login.QueueRemoteEvent(&simplevent.MessageRemove{EventMeta: meta(bridgev2.RemoteEventMessageRemove, watcher), TargetMessage: "slip-" + said})
}

func (s *session) sender(user networkid.UserID) bridgev2.EventSender {
	return bridgev2.EventSender{Sender: user, IsFromMe: user == s.me()}
}

func text(body string) *bridgev2.ConvertedMessage {
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: body}
	return &bridgev2.ConvertedMessage{Parts: []*bridgev2.ConvertedMessagePart{{Type: event.EventMessage, Content: content}}}
}

func main() {
	bridge := mxmain.BridgeMain{Name: "echo", URL: "https://echo.example", Version: "0.1.0", Connector: network{}}
	bridge.InitVersion("", "", "")
	bridge.Run()
}
