// Before anything is drawn: the choice of light or dark that was made here, where one was. Else the system's holds.
{
  const KEY = 'soma-p2p theme'
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'
  const chosen = remembered()
  if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme')
    const show = () => {
      button.setAttribute('aria-pressed', String(isDark()))
      document.dispatchEvent(new Event('theme'))
    }
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark'
      try {
        localStorage.setItem(KEY, root.dataset.theme)
      } catch {} // where nothing may be remembered, it holds until the page is left
      show()
    })
    system.addEventListener('change', show)
    show()
  })

  function remembered() {
    try {
      return localStorage.getItem(KEY)
    } catch {
      return null
    }
  }
}
