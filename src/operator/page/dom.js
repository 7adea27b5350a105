/** Characters that hide others, or turn around what follows them: whoever chooses a string must not choose how the rest of the page reads. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const LONGEST = 600

/** A string as it may be shown: peers and disks choose what is in some of them. */
export function clean(text) {
  const shown = String(text).slice(0, LONGEST).replace(UNSEEN, '\ufffd')
  return String(text).length > LONGEST ? `${shown}…` : shown
}

/** Sets an element's text; what is the same is not touched, so that nothing moves, and no selection is lost. */
export function setText(element, text) {
  const shown = clean(text)
  if (element.textContent !== shown) element.textContent = shown
}

/** Sets an attribute, or takes it away. */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) element.removeAttribute(name)
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, clean(value))
}

export function byId(id) {
  return document.getElementById(id)
}

/** An element with a class and children; strings become text, never markup. */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  element.append(...children.map((child) => (typeof child === 'string' ? clean(child) : child)))
  return element
}

/** A row of a table: a cell for each column, the first two of text and the others of numbers. Where the window is narrow a cell shows its label. */
export function makeRowOf(labels) {
  const row = make(
    'tr',
    '',
    ...labels.map((label, at) => {
      const cell = make('td', at > 1 ? 'number' : '')
      cell.setAttribute('role', 'cell')
      setAttribute(cell, 'data-label', label)
      return cell
    })
  )
  row.setAttribute('role', 'row')
  return row
}

/**
 * Brings the children of a container in line with items, one each, and keeps those that stay.
 *
 * @param {(item: any) => string} keyOf tells items apart
 * @param {(item: any) => Element} create makes a child
 * @param {(child: Element, item: any) => void} update fills it in
 */
export function setChildren(container, items, keyOf, create, update) {
  const before = new Map([...container.children].map((child) => [child.dataset.key, child]))
  let place = container.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    let child = before.get(key)
    if (child === undefined) {
      child = create(item)
      child.dataset.key = key
    }
    before.delete(key)
    if (child === place) place = place.nextElementSibling
    else container.insertBefore(child, place)
    update(child, item)
  }
  for (const child of before.values()) child.remove()
}
