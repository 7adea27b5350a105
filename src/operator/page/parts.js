import { byId, make, setAttribute, setChildren, setText } from './dom.js'
import { count, duration, plural, short, shortened } from './format.js'

/** How each part of the node is. */
export function showParts({ health }) {
  setChildren(
    byId('parts'),
    Object.entries(health),
    ([part]) => part,
    () => make('li', '', make('i'), make('span'), make('p')),
    (item, [part, { state, reason }]) => {
      const [, name, how] = item.children
      item.dataset.state = state
      setText(name, part)
      setText(how, reason === undefined ? state : `${state}: ${shortened(reason)}`)
    }
  )
}

/** What stays much the same. */
export function showFacts(status) {
  const { chainId, epoch, highestSynced, highestCertifiable, lowestAvailable, synced, executor, addresses } = status
  const serves =
    highestCertifiable < lowestAvailable
      ? 'no commits yet'
      : `commits ${count(lowestAvailable)} to ${count(highestCertifiable)}`
  const facts = [
    ['Chain', short(chainId), chainId],
    ['Epoch', count(epoch)],
    ['Last commit', short(highestSynced.digest), highestSynced.digest],
    ['Serves', serves],
    ['Synced', `${plural(synced.commits, 'commit')} and ${plural(synced.blocks, 'block')} since the start`],
    ...(executor === undefined
      ? []
      : [
          [
            'Executed',
            `${count(executor.highestExecuted)}${executor.transactions === undefined ? '' : `, ${plural(executor.transactions, 'transaction')}`}`
          ],
          ['State', short(executor.stateDigest ?? '–'), executor.stateDigest],
          ...(executor.failure === undefined ? [] : [['Executor', executor.failure]])
        ]),
    ...addresses.map((address, at) => [at === 0 ? 'Address' : ' '.repeat(at), address])
  ]
  setChildren(
    byId('facts'),
    facts,
    ([name]) => name,
    () => make('div', '', make('dt'), make('dd')),
    (row, [name, value, whole]) => {
      setText(row.firstChild, name.trim())
      setText(row.lastChild, value)
      setAttribute(row.lastChild, 'title', whole)
    }
  )
  setText(byId('peer-id'), short(status.peerId))
  byId('peer-id').title = status.peerId
  const version = status.version === undefined ? '' : `version ${status.version}, `
  setText(byId('running'), `${version}up ${duration(status.uptimeMs)}`)
}
