import { byId, clean, make, setChildren, setText } from './dom.js'
import { shortened, timeOf } from './format.js'

/** What happened lately, the last first. */
export function showEvents({ events = [] }) {
  byId('no-events').hidden = events.length > 0
  setChildren(
    byId('events'),
    events.toReversed(),
    ({ atMs, kind, text }) => `${atMs} ${kind} ${text}`,
    () => make('li', '', make('time'), make('i'), make('p')),
    (item, { atMs, level, text, peerId }) => {
      const [time, , what] = item.children
      item.dataset.level = level
      setText(time, timeOf(atMs))
      time.dateTime = new Date(atMs).toISOString()
      setText(what, shortened(text))
      what.title = clean(peerId === undefined ? text : `${peerId}\n${text}`)
    }
  )
}
