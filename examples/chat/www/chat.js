// The chat page: one connection to the hub at /chat (hubs/chat.lua). The room is the #hash of the address, the name is
// kept by the browser. Whatever others wrote is set as textContent, never as markup.
'use strict';

const ROOMS = ['lobby', 'lua', 'random'];
const TYPING_SHOWN_MS = 3000;
const TYPING_SENT_MS = 2000;  // at most one notice in this time
const LOG_LENGTH = 500;       // lines kept in the page

const $ = id => document.getElementById(id);
const ui = Object.fromEntries(['room', 'state', 'rooms', 'open-room', 'new-room', 'rename', 'log', 'typing', 'error', 'say',
  'text', 'welcome', 'enter', 'name'].map(id => [id, $(id)]));

let name = localStorage.getItem('name') ?? '';
let room = roomOfAddress();

// ---- the log

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A colour that stays with a name.
function hueOf(text) {
  let hash = 0;
  for (const c of text) hash = (hash * 31 + c.codePointAt(0)) % 360;
  return hash;
}

function addLine(line) {
  const log = ui.log;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(line);
  while (log.childElementCount > LOG_LENGTH) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function addNotice(text) {
  addLine(element('li', 'notice', text));
}

function addMessage(message) {
  if (message.room !== room) return;  // said where we were a moment ago
  const line = element('li', message.name === name ? 'message mine' : 'message');
  const by = element('div', 'by');
  const who = element('span', 'name', message.name);
  const when = element('time', '', '');
  const time = new Date(message.time * 1000);
  who.style.setProperty('--hue', hueOf(message.name));
  when.dateTime = time.toISOString();
  when.textContent = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  by.append(who, when);
  line.append(by, element('p', 'text', message.text));
  addLine(line);
  noteTyping(message.name, false);
}

// ---- who is typing

const typing = new Map();  // name → timer

function noteTyping(who, isTyping) {
  clearTimeout(typing.get(who));
  typing.delete(who);
  if (isTyping) typing.set(who, setTimeout(() => noteTyping(who, false), TYPING_SHOWN_MS));
  const names = [...typing.keys()];
  ui.typing.textContent = names.length === 0 ? '' : names.length === 1 ? `${names[0]} is typing…`
    : names.length === 2 ? `${names[0]} and ${names[1]} are typing…` : 'Several people are typing…';
}

// ---- the connection

const connection = new signalR.HubConnectionBuilder()
  .withUrl('/chat')
  .withAutomaticReconnect({ nextRetryDelayInMilliseconds: retry => waitBefore(retry.previousRetryCount) })
  .configureLogging(signalR.LogLevel.Warning)
  .build();

// Doubling up to ten seconds, and by chance longer, so that all pages do not come back at once. Never gives up.
function waitBefore(attempt) {
  return Math.min(250 * 2 ** attempt, 10000) * (1 + Math.random() / 2);
}

let isJoining = false;
let sinceJoin = [];  // messages that came while it was on its way

connection.on('Message', message => {
  if (isJoining) sinceJoin.push(message);
  addMessage(message);
});
connection.on('Joined', who => addNotice(`${who} joined.`));
connection.on('Left', who => { addNotice(`${who} left.`); noteTyping(who, false); });
connection.on('Renamed', (before, after) => { addNotice(`${before} is now ${after}.`); noteTyping(before, false); });
connection.on('Typing', who => noteTyping(who, true));

connection.onreconnecting(() => showState('reconnecting', 'Reconnecting…'));
connection.onreconnected(join);
connection.onclose(start);  // ended by the server for good: begin anew

function showState(state, text) {
  ui.state.dataset.state = state;
  ui.state.textContent = text;
  ui.say.querySelector('button').disabled = state !== 'connected';
}

async function start() {
  for (let attempt = 0; ; attempt++) {
    showState('connecting', 'Connecting…');
    try {
      await connection.start();
      return await join();
    } catch {
      showState('disconnected', 'Not connected, trying again…');
      await new Promise(done => setTimeout(done, waitBefore(attempt)));
    }
  }
}

// What a hub_error says is written for people; its prefix is the client's.
function showError(error) {
  ui.error.textContent = error ? error.message.replace(/^.*HubException: /s, '') : '';
}

async function call(method, ...args) {
  try {
    const result = await connection.invoke(method, ...args);
    showError();
    return result;
  } catch (error) {
    showError(error);
    return undefined;
  }
}

// Enters the room of the address; what the log held is replaced by what the server remembers.
async function join() {
  const wanted = room;
  isJoining = true;
  sinceJoin = [];
  const history = await call('Join', wanted, name);
  isJoining = false;
  if (history === undefined || wanted !== room) return;
  const known = new Set(history.map(message => message.id));
  ui.log.replaceChildren();
  history.forEach(addMessage);
  addNotice(`You are in ${wanted}.`);
  sinceJoin.filter(message => !known.has(message.id)).forEach(addMessage);
  showState('connected', 'Connected');
}

// ---- rooms and names

function roomOfAddress() {
  const wanted = location.hash.slice(1);
  return /^[A-Za-z0-9_-]{1,32}$/.test(wanted) ? wanted : ROOMS[0];
}

function showRooms() {
  ui.room.textContent = room;
  document.title = `#${room} · signalua chat`;
  ui.rooms.replaceChildren(...[...new Set([...ROOMS, room])].map(each => {
    const item = document.createElement('li');
    const link = element('a', '', each);
    link.href = `#${each}`;
    if (each === room) link.setAttribute('aria-current', 'page');
    item.append(link);
    return item;
  }));
}

function showName() {
  ui.rename.textContent = name;
}

addEventListener('hashchange', () => {
  room = roomOfAddress();
  typing.forEach((_, who) => noteTyping(who, false));
  showRooms();
  if (connection.state === signalR.HubConnectionState.Connected) join();
});

ui['open-room'].addEventListener('submit', event => {
  event.preventDefault();
  location.hash = ui['new-room'].value;
  ui['new-room'].value = '';
});

function askName() {
  ui.name.value = name;
  ui.welcome.showModal();
  ui.name.select();
}

ui.rename.addEventListener('click', askName);
ui.welcome.addEventListener('cancel', event => { if (!name) event.preventDefault(); });

ui.enter.addEventListener('submit', event => {
  const entered = ui.name.value.trim();
  if (!entered) {
    event.preventDefault();
    return;
  }
  name = entered;
  localStorage.setItem('name', name);
  showName();
  if (connection.state === signalR.HubConnectionState.Connected) join();
  else if (connection.state === signalR.HubConnectionState.Disconnected && ui.state.dataset.state === 'waiting') start();
  ui.text.focus();
});

// ---- writing

let typingSentAt = 0;

ui.text.addEventListener('input', () => {
  const now = Date.now();
  if (connection.state !== signalR.HubConnectionState.Connected || now - typingSentAt < TYPING_SENT_MS) return;
  typingSentAt = now;
  connection.send('Typing').catch(() => {});
});

ui.text.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ui.say.requestSubmit();
});

ui.say.addEventListener('submit', async event => {
  event.preventDefault();
  const text = ui.text.value;
  if (!text.trim() || connection.state !== signalR.HubConnectionState.Connected) return;
  ui.text.value = '';
  typingSentAt = 0;
  await call('Say', text);
  if (ui.error.textContent && !ui.text.value) ui.text.value = text;  // refused: nothing is lost
});

// ---- begin

showRooms();
showName();
if (name) {
  start();
} else {
  showState('waiting', 'Waiting for your name');
  askName();
}
