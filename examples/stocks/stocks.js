#!/usr/bin/env node
// The stocks example on the command line, on the official JavaScript client. What it does is said by USAGE.
'use strict';

const readline = require('node:readline/promises');
const signalR = require('@microsoft/signalr');

const USAGE = `usage: node stocks.js COMMAND
  watch SYMBOL...          prices, until Ctrl-C
  value SYMBOL=COUNT...    what these are worth
  buy SYMBOL COUNT         an order, after a question
The server is STOCKS_URL, http://localhost:8080/stocks unless set.`;

const connection = new signalR.HubConnectionBuilder()
  .withUrl(process.env.STOCKS_URL ?? 'http://localhost:8080/stocks')
  .configureLogging(signalR.LogLevel.Error)
  .build();

const money = amount => amount.toFixed(2);

/** The server asks; what is returned goes back to it. */
connection.on('Confirm', async (symbol, count, price) => {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Buy ${count} ${symbol} at ${money(price)}? [y/N] `);
  terminal.close();
  return /^y/i.test(answer);
});

const commands = {
  /** A stream from the server; dispose() cancels it there. */
  watch: (...symbols) => new Promise((done, fail) => {
    const stream = connection.stream('Watch', symbols.length ? symbols : ['ACME']);
    const watching = stream.subscribe({
      next: ({ symbol, price }) => console.log(`${symbol} ${money(price)}`),
      error: fail,
      complete: done,
    });
    process.once('SIGINT', () => { watching.dispose(); done(); });
  }),

  /** A stream to the server. */
  async value(...holdings) {
    const subject = new signalR.Subject();
    const value = connection.invoke('Value', subject);
    for (const holding of holdings) {
      const [symbol, count] = holding.split('=');
      subject.next({ symbol, count: Number(count) });
    }
    subject.complete();
    console.log(money(await value));
  },

  async buy(symbol, count) {
    const order = await connection.invoke('Buy', symbol, Number(count));
    console.log(`bought ${order.count} ${order.symbol} for ${money(order.total)}`);
  },
};

async function main([name, ...args]) {
  if (!Object.hasOwn(commands, name ?? '')) {
    console.error(USAGE);
    return 2;
  }
  await connection.start();
  try {
    await commands[name](...args);
    return 0;
  } catch (error) {
    console.error(error.message);
    return 1;
  } finally {
    await connection.stop();
  }
}

main(process.argv.slice(2)).then(status => { process.exitCode = status; }, error => {
  console.error(error.message);
  process.exitCode = 1;
});
