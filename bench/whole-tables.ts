/** Tables that stay small, whatever else grows. */
const SMALL: Readonly<Record<string, string>> = {
  federation_sender: 'one row',
  early_withdrawals: 'bounded',
  leases: 'a row for each kind of work',
  commit_marks: 'a row for each process',
  bulletins: 'what the processes told each other in the last minutes',
  registration_tokens: 'made by hand',
  pushers: 'all are read when the server starts, once',
  partial_rooms: 'a row for each join whose members came late',
  abandoned_rooms: 'rooms that are about to go',
  uia_sessions: 'bounded',
  email_validations: 'bounded',
  oauth_codes: 'good for five minutes each, for those who are signed in',
  oauth_device_codes: 'bounded',
  one_time_tokens: 'good for minutes each, and bounded where anybody can ask for them',
  provider_sign_ins: 'bounded',
  rendezvous_sessions: 'bounded',
  admin_tasks: 'asked for by administrators, and kept for a week',
  federation_destinations: 'a row for each server, read at the start and by housekeeping',
}

/** Statements that may go through a whole table; the beginning says which. */
const EXCUSED: readonly { readonly of: string | RegExp; readonly why: string }[] = [
  {
    of: /^SELECT DISTINCT \w+ AS key FROM \w+ WHERE .* LIMIT \S+$/,
    why: 'housekeeping: what nobody needs any more',
  },
  { of: 'SELECT COUNT(*) AS n FROM rooms', why: 'a figure for the operator' },
  { of: 'SELECT count(*) AS total FROM users', why: 'a figure for the operator' },
  { of: 'SELECT kind, CAST(COUNT(*)', why: 'a figure for the operator' },
  { of: 'SELECT user_id FROM users WHERE is_admin = 1', why: 'an index of administrators alone' },
  { of: 'SELECT user_id FROM users WHERE cleanup = 2', why: 'an index of those that wait alone' },
  { of: 'SELECT 1 AS one FROM events_awaiting_auth LIMIT 1', why: 'reads one row' },
  { of: 'SELECT 1 AS one FROM notification_inboxes LIMIT 1', why: 'reads one row' },
  {
    of: /^SELECT DISTINCT i\.user_id, g\.room_nid .* CROSS JOIN notification_inboxes i CROSS JOIN group_members m/,
    why: 'only where those who hear of a message are more than the inboxes',
  },
  {
    of: 'SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM notification_inboxes LIMIT',
    why: 'as far as the limit',
  },
  { of: 'SELECT user_id, presence, status_msg', why: 'in the order of an index, as far as the limit' },
  { of: 'SELECT user_id FROM remote_device_lists WHERE stale = 1', why: 'an index of those that wait alone' },
  { of: 'UPDATE delayed_events SET', why: 'an index of those that wait alone' },
  { of: 'SELECT n.user_id, e.room_nid, MAX(e.position)', why: 'an index of open requests alone' },
  { of: 'SELECT s.room_nid, r.room_id, s.is_public', why: 'the directory is searched for parts of words' },
  { of: 'SELECT found.user_id, member_nid, p.user_id', why: 'users are searched for parts of words' },
  { of: 'SELECT r.room_nid, r.room_id, r.version, r.creator', why: 'rooms as administrators list them' },
  { of: 'SELECT r.room_id AS "roomId"', why: 'rooms that administrators ask for' },
  { of: 'SELECT g.room_id AS "roomId"', why: 'a figure for the operator' },
  { of: /^SELECT (report_id|COUNT\(\*\) AS n FROM reports)/, why: 'reports as administrators list them' },
  {
    of: /^SELECT (u\.user_id, p\.displayname, u\.files|COUNT\(\*\) AS n FROM \(SELECT m)/,
    why: 'a figure for the operator',
  },
  { of: 'SELECT host FROM memberships', why: 'which servers there are: once, when the server starts' },
  { of: 'SELECT server FROM federation_destination_rooms UNION', why: 'once, when the server starts' },
  { of: 'SELECT user_id, device_id FROM to_device_messages GROUP BY', why: 'housekeeping' },
  {
    of: 'SELECT user_id, room_nid, highlight FROM push_actions WHERE silent = 0 GROUP BY',
    why: 'housekeeping',
  },
  { of: 'SELECT room_nid, group_id, highlight FROM group_actions GROUP BY', why: 'housekeeping' },
  { of: 'SELECT d.user_id, d.device_id FROM devices', why: 'housekeeping, where devices expire' },
  { of: 'SELECT summary FROM room_summaries', why: 'housekeeping: which pictures rooms have' },
  {
    of: 'SELECT content AS text FROM account_data',
    why: 'housekeeping, where files of redacted messages are due',
  },
  { of: 'SELECT avatar_url AS url FROM profiles', why: 'housekeeping: which pictures people have' },
  { of: 'SELECT m.origin, m.media_id', why: 'housekeeping: files that nobody shows any more' },
  {
    of: 'SELECT COUNT(*) AS events, COALESCE(SUM(m.size)',
    why: 'what a purge would come to, asked by the operator',
  },
  {
    of: 'SELECT COUNT(*) AS files, COALESCE(SUM(m.size)',
    why: 'what a purge would come to, asked by the operator',
  },
  {
    of: 'SELECT user_id, id, kind, room_id, sender, event_id, event_position, count, details, ts, position, removed FROM notifications WHERE removed = 0 AND kind <>',
    why: 'housekeeping',
  },
  { of: 'DELETE FROM device_list_changes', why: 'housekeeping' },
  { of: 'DELETE FROM push_actions', why: 'housekeeping' },
  {
    of: 'DELETE FROM group_members WHERE up_to <',
    why: 'housekeeping: an index of those that have ended alone',
  },
  { of: 'SELECT DISTINCT room_nid, group_id FROM group_actions', why: 'housekeeping' },
  { of: 'DELETE FROM federation_destination_rooms WHERE server IN', why: 'housekeeping' },
  { of: 'DELETE FROM federation_edu_destinations WHERE position IN', why: 'housekeeping' },
]

const isOf = (statement: string, of: string | RegExp): boolean =>
  typeof of === 'string' ? statement.startsWith(of) : of.test(statement)

const unfold = (statement: string): string => statement.replace(/\s+/g, ' ').trim()

/** Whether a statement may go through all of a table: one that stays small, or for a reason that is listed. */
export const mayBeWhole = (table: string, statement: string): boolean =>
  Object.hasOwn(SMALL, table) || EXCUSED.some(({ of }) => isOf(unfold(statement), of))
