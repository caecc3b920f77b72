/** What happens to a server's users and to the model of them, step by step, and whether the two are the same. */
import type { ExecutionContext } from 'ava'
import type { World } from './push-counts.ts'
import { type Step, USERS } from './push-steps.ts'

/** Does a step. */
export const take = async (world: World, step: Step): Promise<unknown> => {
  const { model } = world
  if (!('who' in step))
    return step.does === 'age'
      ? world.age()
      : step.does === 'resume'
        ? world.resume()
        : world.isPaused
          ? undefined
          : world.pause()
  if (step.does === 'mute' || step.does === 'listen') return world[step.does](step.who)
  if ('whom' in step) return world[step.does](step.who, step.whom)
  // The maker of the room stays, so that all can come back.
  if (step.does === 'go') return step.who === USERS[0] ? undefined : world.go(step.who)
  if (!model.here.has(step.who)) return
  if (step.does === 'say') {
    const mentions = step.mentions === undefined ? {} : { 'm.mentions': { user_ids: [step.mentions] } }
    const content = { body: step.body, ...mentions }
    return world.say(step.who, content, { thread: 'main', isChild: false, hops: 0 })
  }
  if (!('about' in step)) return
  const target = model.said.at(-1 - (step.about % Math.max(model.said.length, 1)))
  if (target === undefined) return
  const relate = (rel_type: string): object => ({ 'm.relates_to': { rel_type, event_id: target.eventId } })
  switch (step.does) {
    case 'thread':
      if (target.isChild) return
      return world.say(step.who, relate('m.thread'), { thread: target.eventId, isChild: true, hops: 0 })
    case 'relate': {
      const hops = target.isChild ? target.hops + 1 : 0
      const thread = hops > 3 ? 'main' : target.thread
      return world.say(step.who, relate('m.reference'), { thread, isChild: true, hops })
    }
    case 'redact':
      return target.sender === step.who && !target.redacted ? world.redact(step.who, target) : undefined
    case 'read': {
      const threadId = step.isThreaded ? target.thread : undefined
      const type = step.isPrivate ? 'm.read.private' : 'm.read'
      await world.receipts.mark(step.who, world.roomId, [{ type, eventId: target.eventId, threadId }])
      model.receipts.push({ user: step.who, thread: threadId ?? '', at: model.said.indexOf(target) })
    }
  }
}

/** Compares the counts of all with the model's; `trail` is what has led to them. */
export const check = async (t: ExecutionContext, world: World, trail: readonly Step[]): Promise<void> => {
  await world.settled()
  for (const user of USERS) {
    const [counted, expected] = [await world.unread(user), world.model.unread(user)]
    if (counted !== expected) t.log(JSON.stringify(trail))
    t.is(counted, expected, user)
    const [listed, all] = [await world.notifications(user), world.model.notifications(user)]
    t.deepEqual(
      listed.filter(one => world.model.isKept(one)),
      all.filter(one => world.model.isKept(one)),
      user,
    )
    t.true(
      listed.every(({ eventId }) => all.some(one => one.eventId === eventId)),
      user,
    )
  }
}
