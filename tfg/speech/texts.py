"""Sentences for the synthetic voices, written for this package: English ones, English templates, twelve languages."""
from __future__ import annotations

import numpy as np

ENGLISH = """
Bring me a big bowl of brown beans, please.
My mother may move the piano on Monday.
Five very fine vans drove off over the bridge.
He thought that these three things were rather worthless.
She should choose fresh fish at the shop by the shore.
Joe and Jane just enjoyed a generous portion of fudge.
The good cook took a look at the wooden hook.
Who threw the blue shoe through the new school roof?
All autumn long the tall author walked across the lawn.
Bob forgot the box of chocolate on top of the clock.
We eat sweet peas and green beans each evening.
Six thin kittens sit in this little kitchen sink.
Let Ben get ten red pens from the desk.
That man has a bad back and a black cat.
Some young ducks come up from under the rusty truck.
Her early bird heard the nurse return to work first.
I like to ride my bike at night under a bright white light.
How now, a brown cow is down south of our house.
The noisy boy enjoys his toys and boils with joy.
No one knows how slowly the old boat goes home.
They say it may rain all day in Spain today.
Our hour is nearly over, dear, and here we are.
The weird engineer cheered near the pier.
Where are the bears and the mares? There, upstairs!
Are you sure that the poor tourist is cured?
What a wonderful, warm and windy winter we had.
Yes, the yellow yacht belonged to a young musician.
Why would anyone want to wake a whale?
Hello, how are you doing this fine morning?
I have absolutely no idea what you mean by that.
Could you put the book back on the shelf, please?
Nobody believed him, but it was perfectly true.
Open the window, it is much too hot in here.
Mum bought a pound of plums and a pot of honey.
Please pass the pepper to papa, he wants a bit more.
A bumblebee bumped into the lamp above my bed.
Maybe my family will move to Miami in May.
The umpire jumped up and stamped his foot in triumph.
Push the pram past the bumpy bump and beyond the pub.
Everybody must remember the number from memory.
Beth breathed in both of the moths, or so they say.
Three thirsty thieves thanked their thoughtful father.
Is this the path that they both walked with their brother?
Very few of the five elephants have ever been free.
Leave the knives, forks and other stuff above the stove.
The zebra is as lazy as the dizzy daisies in his zoo.
She sells socks and scissors in six small stores.
A vision of treasure gave him pleasure and leisure.
Usually the garage is closed on such occasions.
Which watch did the butcher's child catch on the beach?
George the judge changed the large page of the pledge.
King Gregory is bringing along a gigantic bag of eggs.
The singing youngster hung a ring on a long string.
Quick, quiet queens quickly quit quarrelling.
Rory the red robot rarely runs around the rural road.
Lily will feel well when she smells the yellow lilies.
Don't you dare touch that dirty teddy, Daddy said.
Ten tiny tin tigers turned to tea time at two.
Nine nice neighbours never know anything new.
Could we go to the garden and get some grapes?
Once upon a time there was a small boat on a wide sea.
It was cold, dark, and nobody knew the way back.
If you leave now, you will be home before midnight.
He smiled, paused for a moment, and closed the door.
I wish you would stop shouting at me like that!
What on earth happened to the front of your car?
This is by far the best news I have heard all week.
We waited for hours, but the bus never came.
My phone is broken, so I am using an old one.
The doctor said that you should rest for a few days.
Tomorrow we are going to visit an enormous castle.
You look tired. Did you sleep well last night?
There is a spider on your shoulder, don't move.
Tell me the truth: who ate the last piece of cake?
I can't believe you forgot about our anniversary.
Somebody has been sitting in my favourite chair.
The weather will improve by the end of the week.
Take the second street on the left, then go straight on.
We need more apples, bread, butter, milk and tomatoes.
That was the funniest film that I have seen in years.
Keep calm, carry your bag, and follow me.
In the beginning nobody wanted to admit the mistake.
The price of oil went up by four percent this month.
Her voice was soft, but everyone could hear her.
Almost everything about the plan was wrong.
Oh no! The baby has dropped the bottle again.
Ah, that explains it. Thank you very much.
Well, I suppose it could have been worse.
Would you mind opening the door for me?
An apple a day keeps the doctor away.
""".strip().splitlines()

OTHER = {
    "de": ["Guten Morgen, wie geht es Ihnen heute?", "Der Vater kauft fünf frische Brötchen beim Bäcker.",
           "Wir möchten morgen früh nach München fahren.", "Meine Mutter backt am Sonntag einen Apfelkuchen.",
           "Warum hast du mir das nicht früher gesagt?", "Die schöne Blume blüht über dem grünen Zaun.",
           "Ich glaube, es wird heute Abend noch regnen.", "Zwei kleine Katzen spielen hinter dem Haus.",
           "Bitte mach das Fenster zu, es zieht furchtbar.", "Pferde und Kühe stehen auf der Wiese am Bach."],
    "fr": ["Bonjour, comment allez-vous ce matin?", "Ma petite soeur aime beaucoup les pommes vertes.",
           "Le boulanger vend du bon pain blanc.", "Nous partons demain pour la montagne avec des amis.",
           "Il fait froid, ferme donc la fenêtre.", "Pourquoi tu ne m'as pas répondu hier soir?",
           "Un vieux bateau bleu passe sous le pont.", "Je voudrais une tasse de café et un peu de beurre.",
           "La lune brille au-dessus de la mer.", "Mon père a perdu son parapluie dans le bus."],
    "es": ["Buenos días, ¿cómo está usted hoy?", "Mi madre prepara una sopa muy buena.",
           "El perro negro corre por la playa.", "Mañana vamos a visitar a mi abuelo en el pueblo.",
           "¿Por qué no me lo dijiste antes?", "Un pequeño pájaro bebe agua de la fuente.",
           "Me gusta mucho bailar y cantar con mis amigos.", "Hace frío, pero el sol brilla sobre el monte."],
    "nl": ["Goedemorgen, hoe gaat het met u vandaag?", "Mijn broer koopt vijf boeken in de winkel.",
           "Wij gaan morgen met de boot naar het eiland.", "De oude man woont boven de bakker.",
           "Waarom heb je mij dat niet eerder verteld?", "Het meisje speelt buiten met een blauwe bal.",
           "Zullen we vanavond samen pannenkoeken eten?", "De zon schijnt en de vogels fluiten mooi."],
    "pl": ["Dzień dobry, jak się pan dzisiaj czuje?", "Moja mama piecze bardzo dobry chleb.",
           "Jutro pojedziemy nad morze z przyjaciółmi.", "Mały pies biega po zielonej łące.",
           "Dlaczego mi tego wcześniej nie powiedziałeś?", "W sobotę będzie padał śnieg.",
           "Poproszę filiżankę kawy i kawałek ciasta.", "Babcia opowiada piękną bajkę o wilku."],
    "pt": ["Bom dia, como está o senhor hoje?", "A minha mãe faz um bolo muito bom.",
           "Amanhã vamos à praia com os nossos amigos.", "O cão preto dorme debaixo da mesa.",
           "Por que você não me falou antes?", "O menino bebe um copo de leite fresco.",
           "Gosto muito de ouvir música à noite.", "Um pequeno barco passa pela ponte velha."],
    "sv": ["God morgon, hur mår du idag?", "Min mamma bakar bröd varje lördag.", "Vi åker båt till ön i morgon bitti.",
           "Den gamle mannen bor ovanför bageriet.", "Varför sa du inte det tidigare?",
           "Flickan leker med en blå boll i parken.", "Sju sjuka sjömän skötte sin sjunkande skuta.",
           "Solen skiner och fåglarna sjunger vackert."],
    "tr": ["Günaydın, bugün nasılsınız?", "Annem pazar günü börek yapıyor.", "Yarın arkadaşlarımla denize gideceğiz.",
           "Küçük köpek bahçede koşuyor.", "Bunu bana neden daha önce söylemedin?",
           "Bir bardak su ve biraz ekmek lütfen."],
    "fi": ["Hyvää huomenta, mitä kuuluu tänään?", "Äiti paistaa pullaa joka lauantai.",
           "Menemme huomenna veneellä saareen.",
           "Pieni poika pelaa pallolla puistossa.", "Miksi et kertonut minulle aikaisemmin?",
           "Lumi peittää metsän ja järven."],
    "cs": ["Dobré ráno, jak se dnes máte?", "Moje maminka peče v sobotu buchty.", "Zítra pojedeme s přáteli na hory.",
           "Malý pes běhá po zelené louce.", "Proč jsi mi to neřekl dříve?", "Prosím šálek kávy a kousek chleba."],
    "ro": ["Bună dimineața, ce mai faceți astăzi?", "Mama face o plăcintă foarte bună.",
           "Mâine mergem la munte cu prietenii.",
           "Câinele mic aleargă prin grădină.", "De ce nu mi-ai spus mai devreme?", "Aș vrea o cafea și puțin unt."],
    "it": ["Buongiorno, come sta oggi il signore?", "Mia madre prepara una torta molto buona.",
           "Domani andiamo al mare con gli amici.", "Il piccolo cane nero dorme sotto il tavolo.",
           "Perché non me lo hai detto prima?", "Un bambino beve un bicchiere di latte fresco.",
           "Mi piace molto ballare e cantare la sera.", "La barca blu passa sotto il vecchio ponte.",
           "Fuori fa freddo, ma il sole brilla sopra il monte.", "Vorrei un po' di pane, burro e formaggio."],
}

_WHO = ("my brother", "the old farmer", "Peter", "a friend of mine", "the woman next door", "everybody", "our teacher",
        "Maria", "the boy in the blue shirt", "your uncle", "the pilot", "somebody", "a famous painter", "Bob",
        "the band")
_DID = ("bought", "remembered", "moved", "painted", "found", "forgot", "watched", "wanted", "broke", "opened", "pushed",
        "carried", "asked for", "looked at", "thought about", "jumped over", "believed in", "laughed at", "washed")
_WHAT = ("a purple umbrella", "the empty box", "five wooden boats", "a cup of coffee", "the broken lamp", "this puzzle",
         "some mushroom soup", "the whole map", "a very heavy bag", "both of the bikes", "an orange vase",
         "the blue room",
         "a piece of apple pie", "the window", "his father's guitar", "a pair of shoes", "the yellow leaves",
         "three thick books")
_WHEN = ("yesterday", "before lunch", "in the morning", "on Friday night", "by mistake", "at the beach",
         "without a word",
         "behind the house", "for the first time", "as usual", "in February", "above the shop", "", "", "")
_COLOURS = ("blue", "green", "red", "white", "brown", "purple", "yellow", "black", "orange", "pink")
_LETTERS = "A B C D E F G H I J K L M N O P Q R S T U V X Y Z".split()
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def english(rng: np.random.Generator) -> str:
    """A random English sentence: one of `ENGLISH`, or one composed from a template. All of them together contain every
    English phone."""
    kind = rng.random()
    pick = lambda words: words[rng.integers(len(words))]  # noqa: E731
    if kind < .45:
        return pick(ENGLISH)
    if kind < .80:
        text = " ".join(w for w in (pick(_WHO), pick(_DID), pick(_WHAT), pick(_WHEN)) if w)
        return text[0].upper() + text[1:] + pick((".", ".", "!", "?"))
    if kind < .90:
        colour, letter, number = pick(_COLOURS), pick(_LETTERS), pick(_NUMBERS)
        return f"{colour} {letter} {number}, {pick(_COLOURS)} {pick(_LETTERS)} {pick(_NUMBERS)}."
    return f"I {pick(('think', 'hope', 'heard', 'wonder if', 'know'))} {pick(_WHO)} {pick(_DID)} {pick(_WHAT)}."
