import { byId, clean, setAttribute, setChildren, setText } from './dom.js'
import { count, plural } from './format.js'

/** Half of the width and height that names stand on. */
const ACROSS = 225
const DOWN = 165
const RADIUS = 13

/** Where a node stands: on a ring, the first on top. */
function placeOf(at, of) {
  const angle = (2 * Math.PI * at) / of - Math.PI / 2
  return { x: of === 1 ? 0 : ACROSS * Math.cos(angle), y: of === 1 ? 0 : DOWN * Math.sin(angle) }
}

function draw(tag, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  element.append(...children)
  return element
}

/** Who is connected to whom. A node's name, hovered or focused, brings out it and its connections. */
export class Graph {
  #chosen
  #edges = []

  show(nodes) {
    this.#edges = edgesOf(nodes)
    const places = new Map(nodes.map(({ name }, at) => [name, placeOf(at, nodes.length)]))
    setChildren(
      byId('edges'),
      this.#edges,
      ({ from, to }) => `${from} ${to}`,
      () => draw('line'),
      (line, { from, to }) => {
        const [a, b] = [places.get(from), places.get(to)]
        const [short, long] = [RADIUS + 2, Math.hypot(b.x - a.x, b.y - a.y)]
        const along = (distance) => [a.x + ((b.x - a.x) * distance) / long, a.y + ((b.y - a.y) * distance) / long]
        const [[x1, y1], [x2, y2]] = [along(short), along(long - short - 2)]
        for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) setAttribute(line, name, value.toFixed(1))
        setAttribute(line, 'marker-end', 'url(#arrow)')
      }
    )
    setChildren(
      byId('dots'),
      nodes,
      ({ name }) => name,
      () => this.#dot(),
      (link, node) => {
        const { x, y } = places.get(node.name)
        const [circle, name, height] = link.children
        const condition = node.status?.verdict.condition ?? 'unknown'
        link.dataset.condition = node.silence === undefined || node.url === undefined ? condition : 'silent'
        setAttribute(link, 'href', node.url)
        setAttribute(link, 'transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`)
        setAttribute(link, 'aria-label', clean(this.#told(node)))
        setAttribute(circle, 'r', RADIUS)
        const isAbove = y < 0
        setAttribute(name, 'y', isAbove ? '-3.1em' : '2.6em')
        setAttribute(height, 'y', isAbove ? '-1.9em' : '4.2em')
        setText(name, node.name)
        setText(height, node.status === undefined ? '' : count(node.status.highestSynced))
      }
    )
    this.choose(this.#chosen)
  }

  /** Brings out a node, or none. */
  choose(name) {
    this.#chosen = name
    const near = new Set(this.#edges.flatMap(({ from, to }) => (from === name || to === name ? [from, to] : [])))
    byId('graph').classList.toggle('chosen', name !== undefined)
    for (const dot of byId('dots').children)
      dot.classList.toggle('near', near.has(dot.dataset.key) || dot.dataset.key === name)
    for (const line of byId('edges').children) line.classList.toggle('near', line.dataset.key.split(' ').includes(name))
    for (const row of byId('nodes').children) row.classList.toggle('chosen', row.dataset.key === name)
  }

  #dot() {
    const height = draw('text')
    height.setAttribute('class', 'height')
    const link = draw('a', draw('circle'), draw('text'), height)
    chooses(link, this)
    return link
  }

  #told({ name, status, silence }) {
    if (status === undefined) return `${name}: ${silence}`
    const others = this.#edges.flatMap(({ from, to }) => (from === name ? [to] : to === name ? [from] : []))
    return `${name}, ${status.verdict.condition}, at commit ${count(status.highestSynced)}, ${plural(others.length, 'connection')}: ${others.join(', ')}`
  }
}

/** Makes an element that has a node's name as its key choose that node while it is hovered or focused. */
export function chooses(element, graph) {
  for (const begin of ['pointerenter', 'focusin'])
    element.addEventListener(begin, () => graph.choose(element.dataset.key))
  for (const end of ['pointerleave', 'focusout']) element.addEventListener(end, () => graph.choose(undefined))
}

/** One for each pair that either side reports, from who dialled to who was dialled. */
function edgesOf(nodes) {
  const names = new Map(nodes.flatMap(({ name, status }) => (status === undefined ? [] : [[status.peerId, name]])))
  const edges = new Map()
  for (const { name, status } of nodes) {
    for (const { peerId, direction } of status?.peers ?? []) {
      const other = names.get(peerId)
      if (other === undefined || other === name) continue
      const [from, to] = direction === 'outbound' ? [name, other] : [other, name]
      edges.set([name, other].sort().join(' '), { from, to })
    }
  }
  return [...edges.values()]
}
