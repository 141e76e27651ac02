// An Angular application as tutorials write it: a service that makes an Observable of an event-source-polyfill, with a bearer
// token, and a component for each key.
import '@angular/compiler'
import { Component, Injectable, Input, inject, signal } from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { EventSourcePolyfill } from 'event-source-polyfill'
import { Observable, Subscription } from 'rxjs'

type Item = { state: string } | { event: string }

/** The types that the server sends. */
const TYPES = ['message', 'reading', 'gap']

@Injectable({ providedIn: 'root' })
class Events {
  private readonly ids = new Map<string, string>()

  /** The stream of a key, from the last event on that was seen of it. Its connection ends with the subscription. */
  of(key: string): Observable<Item> {
    return new Observable(subscriber => {
      let source: EventSourcePolyfill | undefined
      const open = async () => {
        const token = await (await fetch('/token')).text()
        if (subscriber.closed) return
        const id = this.ids.get(key)
        const query = id === undefined ? '' : `?lastEventId=${encodeURIComponent(id)}`
        source = new EventSourcePolyfill(`/events/${key}${query}`, { headers: { Authorization: `Bearer ${token}` } })
        source.onopen = () => subscriber.next({ state: 'open' })
        source.onerror = (error: { status?: number }) => {
          // Else it comes back by itself.
          const isClosed = source?.readyState === EventSourcePolyfill.CLOSED
          if (isClosed) {
            subscriber.error(new Error(`closed by status ${error.status}`))
          } else {
            subscriber.next({ state: 'waiting' })
          }
        }
        for (const type of TYPES) {
          source.addEventListener(type, ({ data, lastEventId }: { data: string, lastEventId: string }) => {
            this.ids.set(key, lastEventId)
            subscriber.next({ event: `${lastEventId} ${type} ${data}` })
          })
        }
      }
      open().catch(error => subscriber.error(error))
      return () => source?.close()
    })
  }
}

@Component({
  selector: 'key-events',
  template: `
    <section [id]="key">
      <button class="connect" (click)="connect()">Connect</button>
      <button class="disconnect" (click)="disconnect()">Disconnect</button>
      <output>{{ state() }}</output>
      <ol>
        @for (event of events(); track $index) {
          <li>{{ event }}</li>
        }
      </ol>
    </section>`
})
class KeyEvents {
  @Input() key = ''
  readonly state = signal('disconnected')
  readonly events = signal<string[]>([])
  private readonly source = inject(Events)
  private subscription?: Subscription

  connect() {
    this.disconnect()
    this.subscription = this.source.of(this.key).subscribe({
      next: item => {
        if ('event' in item) {
          this.events.update(events => [...events, item.event])
        } else {
          this.state.set(item.state)
        }
      },
      error: error => this.state.set(error.message)
    })
  }

  disconnect() {
    this.subscription?.unsubscribe()
    this.state.set('disconnected')
  }
}

@Component({
  selector: 'app-root',
  imports: [KeyEvents],
  template: `
    @for (key of keys; track key) {
      <key-events [key]="key" />
    }`
})
class App {
  readonly keys = ['kitchen', 'garden', 'cellar', 'raw']
}

await bootstrapApplication(App)

// A hand on the page: it clicks what the test names, and reads what the page shows.
for (;;) {
  const { click, read } = await (await fetch('/hand')).json()
  if (click) document.querySelector<HTMLElement>(click)!.click()
  const texts = read ? Array.from(document.querySelectorAll(read), element => element.textContent) : []
  await fetch('/hand', { method: 'POST', body: JSON.stringify(texts) })
}
