// SPDX-License-Identifier: MIT
// Reads messages from stdin, each a line of base64, and answers each with a line of JSON: what the
// message is taken for.
import readline from "node:readline";
import PostalMime from "postal-mime";

for await (const line of readline.createInterface({ input: process.stdin })) {
        const mail = await PostalMime.parse(Buffer.from(line, "base64"), {
                attachmentEncoding: "base64",
        });
        process.stdout.write(JSON.stringify(mail) + "\n");
}
