"""A model whose every word is known."""

from benchhealth_utils.models import Backend, Reply


class Scripted(Backend):
    """Says what `say` gives for a request, a text or a `Reply`; notes what it is asked."""

    modes = ("generate", "likelihood")

    def __init__(self, say="Answer: A", name="scripted", **facts):
        self.say, self.name, self.asked, self.prompts = say, name, [], []
        self.signature = {"backend": "scripted", "name": name}
        vars(self).update(facts)

    def replies(self, requests, wanted):
        for i in sorted(wanted):
            self.asked.append(requests[i].example.id)
            self.prompts.append(requests[i].messages[0]["content"])
            said = self.say(requests[i]) if callable(self.say) else self.say
            yield [(i, said if isinstance(said, Reply) else Reply("ok", said))]
